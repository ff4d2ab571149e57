"""The training program: `python train.py --help` names its commands."""

from genre_models.training.commands import main

if __name__ == "__main__":
    main()
