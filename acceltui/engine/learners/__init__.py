"""Learning algorithms, each written once for any actor."""
