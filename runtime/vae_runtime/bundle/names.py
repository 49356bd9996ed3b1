"""Names of files in a bundle: those that are always the same, and what any other may be."""

import re

NAME = "manifest.json"
CHECKSUM_NAME = "manifest.json.sha256"
SIGNATURE_NAME = "manifest.json.sig"  # optional
OWN_NAMES = (NAME, CHECKSUM_NAME, SIGNATURE_NAME)  # of the files that the manifest does not list

# ends the name of a calibration for the negative ELBO alone, of a score that has more terms
ALONE = ".neg_elbo"
ENDS = {"score": "", "neg_elbo": ALONE}  # of names of calibrations, by the score that they are of

LONGEST_NAME = 100
PLAIN_NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{LONGEST_NAME - 1}}}")
