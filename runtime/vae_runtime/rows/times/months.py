"""Names of months in the languages of loggers, as numbers."""

import unicodedata

# Names of months, January first, long and short, without accents: English, German, French, Spanish,
# Italian, Portuguese and Dutch. No name means two months. Source: Unicode CLDR 46, months in the
# format and stand-alone widths; "maerz" and the like as typed where there are no umlauts.
MONTHS = (
    "jan january januar janner janv janvier ene enero gen gennaio janeiro januari",
    "feb february februar feber fevr fevrier febrero febbraio fev fevereiro februari",
    "mar march marz maerz mars marzo marco mrt maart",
    "apr april avr avril abr abril aprile",
    "may mai mayo mag maggio maio mei",
    "jun june juni juin junio giu giugno junho",
    "jul july juli juil juillet julio lug luglio julho",
    "aug august aout ago agosto augustus",
    "sep sept september septembre septiembre setiembre set settembre setembro",
    "oct october okt oktober octobre octubre ott ottobre out outubro",
    "nov november novembre noviembre novembro",
    "dec december dez dezember decembre dic diciembre dicembre dezembro",
)
MONTH_NUMBERS = {name: i for i, names in enumerate(MONTHS, 1) for name in names.split()}


def month_of(name: str) -> int:
    """Number of a month by its name in small letters; 0 for another word."""
    plain = "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))
    return MONTH_NUMBERS.get(plain.rstrip("."), 0)
