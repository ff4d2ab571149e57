"""The training program: `python train.py genre|choose|evaluate --data DIR`."""

from genre_models.training.commands import main

if __name__ == "__main__":
    main()
