"""The training program: `python train.py genre|melody|extract|choose|evaluate|sound|teaching|descents|push`."""

from genre_models.training.commands import main

if __name__ == "__main__":
    main()
