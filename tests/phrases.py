"""Made-up phrases with their translations, a vocabulary of them, and a network small enough to test with."""

from typing import Any

from genre_models.training.words_pairs import Pair
from genre_models.words import Vocabulary

SMALL: dict[str, Any] = {"d_model": 16, "heads": 2, "encoder_layers": 1, "decoder_layers": 1, "d_ff": 16}
VERBS = {"Save": "Sauver", "Delete": "Effacer", "Open": "Ouvrir", "Close": "Fermer", "Print": "Imprimer"}
THINGS = {"file": "fichier", "page": "feuille", "picture": "image", "book": "livre", "Django": "Django"}
WHEN = {"now": "maintenant", "later": "plus tard", "today": "aujourd'hui", "twice": "deux fois"}
PAIRS = [
    Pair(f"{verb} the {thing} {when}", f"{VERBS[verb]} le {THINGS[thing]} {WHEN[when]}")
    for verb in VERBS
    for thing in THINGS
    for when in WHEN
]
VOCABULARY = Vocabulary.learn([side for pair in PAIRS for side in pair], 320)
