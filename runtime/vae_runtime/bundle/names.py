"""Names in a bundle: of its format, its fixed files and its roles."""

import re

FORMAT = "vae-bundle"
FORMAT_VERSION = 2
VERSIONS = (1, FORMAT_VERSION)  # that are read

NAME = "manifest.json"
CHECKSUM_NAME = "manifest.json.sha256"
SIGNATURE_NAME = "manifest.json.sig"  # optional
OWN_NAMES = (NAME, CHECKSUM_NAME, SIGNATURE_NAME)  # of the files that the manifest does not list

AROUND = ("preprocess", "head", "mean")  # graphs before and after networks of 8 bits, in fp32
FLOAT_ROLES = (*AROUND, "replacements")  # that are in fp32 alone, whatever others are in

# ends the name of a calibration for the negative ELBO alone, of a score that has more terms
NEG_ELBO_END = ".neg_elbo"
# of names of calibrations, by the score that they are of
ENDS = {"score": "", "neg_elbo": NEG_ELBO_END}

LONGEST_NAME = 100
PLAIN_NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{LONGEST_NAME - 1}}}")
