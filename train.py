"""The training program: `python train.py genre|melody|choose|evaluate|sound|teaching`."""

from genre_models.training.commands import main

if __name__ == "__main__":
    main()
