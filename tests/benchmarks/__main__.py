"""`python -m tests.benchmarks` prints the table of all that was measured beside a peer, from the files."""

from genre_models.paths import METRICS
from tests.benchmarks.beside import kept, line


def main() -> None:
    """Print the rows of all files."""
    for path in sorted(METRICS.glob("*.json")):
        for row in kept(path):
            print(line(row))


if __name__ == "__main__":
    main()
