"""How we know: the tests mirror the packages, folder by folder."""
