"""The tables of the three demo databases. They differ on purpose: each system has its own habits.

`asiakas` numbers customers as integers, `laskutus` writes the same number as text and money partly in
decimal euros, partly in whole cents, `mittaus` knows places and UTC instants but no people. Every table
but the series carries the marker column `synth`.
"""

from datetime import date

import sqlalchemy as sa

MARK = "SYNTH"


def _mark() -> sa.Column[str]:
    return sa.Column("synth", sa.String(5), nullable=False, server_default=MARK)


def _text(name: str, length: int = 80, *, needed: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=not needed)


def _year_end() -> sa.Column[date]:
    return sa.Column("tilikausi_loppu", sa.Date, nullable=False)


def _invoice() -> sa.Column[str]:
    return sa.Column("laskunro", sa.String(12), sa.ForeignKey("lasku.laskunro"), nullable=False, index=True)


def _point() -> sa.Column[str]:
    return sa.Column("gsrn", sa.String(18), sa.ForeignKey("kayttopaikka.gsrn"), nullable=False, index=True)


ASIAKAS = sa.MetaData()
sa.Table(
    "asiakas",
    ASIAKAS,
    sa.Column("asnro", sa.Integer, primary_key=True, autoincrement=False),
    _text("laji", 1, needed=True),
    _text("hetu", 11),
    sa.Column("syntynyt", sa.Date),
    _text("ytunnus", 9),
    _text("sukunimi"),
    _text("etunimet"),
    _text("kieli", 2),
    _text("sahkoposti", 120),
    _text("puhelin", 20),
    _text("katuosoite", 120),
    _text("postinro", 5),
    _text("postitoimipaikka", 40),
    sa.Column("turvakielto", sa.Boolean, nullable=False),
    _text("lahde", 10),
    sa.Column("alkaen", sa.Date),
    sa.Column("paatetty_pvm", sa.Date),
    sa.Column("puhelin_alkaen", sa.Date),
    sa.Column("osoite_alkaen", sa.Date),
    _mark(),
    sa.Index("asiakas_hetu", "hetu"),
    sa.Index("asiakas_sahkoposti", "sahkoposti"),
)
sa.Table(
    "osoite",
    ASIAKAS,
    sa.Column("osoite_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("asnro", sa.Integer, sa.ForeignKey("asiakas.asnro"), nullable=False, index=True),
    _text("tyyppi", 1, needed=True),
    _text("katu", 120),
    _text("postinro", 5),
    _text("postitoimipaikka", 40),
    _text("lahde", 10),
    sa.Column("alkaen", sa.Date),
    sa.Column("asti", sa.Date),
    _mark(),
)
sa.Table(
    "nimihistoria",
    ASIAKAS,
    sa.Column("nimi_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("asnro", sa.Integer, sa.ForeignKey("asiakas.asnro"), nullable=False, index=True),
    _text("sukunimi"),
    _text("etunimet"),
    sa.Column("asti", sa.Date, nullable=False),
    _mark(),
)
sa.Table(
    "yhteyshenkilo",
    ASIAKAS,
    sa.Column("yht_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("asnro", sa.Integer, nullable=False, index=True),  # no foreign key: the role outlives the customer
    sa.Column("yritys_asnro", sa.Integer, sa.ForeignKey("asiakas.asnro"), nullable=False, index=True),
    _text("yritys", 120, needed=True),
    _text("nimi", 160),
    _text("email", 120),
    _text("puh", 20),
    _text("rooli", 40),
    _text("tila", 1, needed=True),
    sa.Column("asti", sa.Date),
    _mark(),
)
sa.Table(
    "kielto",
    ASIAKAS,
    sa.Column("kielto_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("asnro", sa.Integer, nullable=False, index=True),  # no foreign key: a ban outlives the customer
    _text("laji", 2, needed=True),
    sa.Column("pvm", sa.Date, nullable=False),
    _text("kanava", 10),
    _mark(),
)


LASKUTUS = sa.MetaData()
sa.Table(
    "tuote", LASKUTUS, sa.Column("tuotekoodi", sa.String(8), primary_key=True), _text("nimi", needed=True), _mark()
)
sa.Table(
    "sopimus",
    LASKUTUS,
    sa.Column("sopnro", sa.String(12), primary_key=True),
    sa.Column("asnro", sa.String(10), nullable=False, index=True),
    sa.Column("asnro2", sa.String(10), index=True),
    sa.Column("gsrn", sa.String(18), nullable=False, index=True),
    sa.Column("tuotekoodi", sa.String(8), sa.ForeignKey("tuote.tuotekoodi"), nullable=False),
    _text("laji", 6, needed=True),
    sa.Column("alku", sa.Date, nullable=False),
    sa.Column("loppu", sa.Date),
    _text("tehty_kanava", 10),
    _mark(),
)
sa.Table(
    "lasku",
    LASKUTUS,
    sa.Column("laskunro", sa.String(12), primary_key=True),
    sa.Column("asnro", sa.String(10), nullable=False, index=True),
    sa.Column("sopnro", sa.String(12), nullable=False),  # no foreign key: vouchers outlive contracts
    sa.Column("pvm", sa.Date, nullable=False),
    sa.Column("erapvm", sa.Date, nullable=False),
    sa.Column("summa", sa.Numeric(10, 2), nullable=False),
    sa.Column("avoin", sa.Numeric(10, 2), nullable=False),
    _text("tila", 10, needed=True),
    _year_end(),
    _text("viite", 20),
    sa.Column("muistutettu", sa.Date),
    sa.Column("lyhennetty", sa.Date),
    sa.Column("tuomio_pvm", sa.Date),
    sa.Column("riitautettu", sa.Boolean, nullable=False),
    _mark(),
)
sa.Table(
    "laskurivi",
    LASKUTUS,
    sa.Column("laskunro", sa.String(12), sa.ForeignKey("lasku.laskunro"), primary_key=True),
    sa.Column("rivi", sa.Integer, primary_key=True, autoincrement=False),
    _text("teksti", needed=True),
    sa.Column("maara", sa.Numeric(10, 2), nullable=False),
    _text("yksikko", 4, needed=True),
    sa.Column("hinta_snt", sa.Integer, nullable=False),
    _year_end(),
    _mark(),
)
sa.Table(
    "suoritus",
    LASKUTUS,
    sa.Column("suoritus_id", sa.Integer, primary_key=True, autoincrement=False),
    _invoice(),
    _text("iban", 18),
    _text("maksaja", 160),
    sa.Column("pvm", sa.Date, nullable=False),
    sa.Column("summa_snt", sa.Integer, nullable=False),
    _year_end(),
    _mark(),
)
sa.Table(
    "muistutus",
    LASKUTUS,
    sa.Column("muistutus_id", sa.Integer, primary_key=True, autoincrement=False),
    _invoice(),
    sa.Column("pvm", sa.Date, nullable=False),
    sa.Column("taso", sa.Integer, nullable=False),
    sa.Column("kulu_snt", sa.Integer, nullable=False),
    _year_end(),
    _mark(),
)
sa.Table(
    "osareskontra",
    LASKUTUS,
    sa.Column("tosite", sa.String(14), primary_key=True),
    sa.Column("asnro", sa.String(10), nullable=False, index=True),
    _text("tili", 6, needed=True),
    sa.Column("summa", sa.Numeric(10, 2), nullable=False),
    sa.Column("pvm", sa.Date, nullable=False),
    _year_end(),
    _mark(),
)


MITTAUS = sa.MetaData()
sa.Table(
    "kayttopaikka",
    MITTAUS,
    sa.Column("gsrn", sa.String(18), primary_key=True),
    _text("katu", 120),
    _text("postinro", 5),
    _text("sulake", 8),
    _text("tyyppi", 16),
    _text("verkkoalue", 4),
    _mark(),
)
sa.Table(
    "mittari",
    MITTAUS,
    sa.Column("mittarinro", sa.String(12), primary_key=True),
    _point(),
    sa.Column("asennettu", sa.Date, nullable=False),
    sa.Column("poistettu", sa.Date),
    _mark(),
)
sa.Table(
    "sarja_15",
    MITTAUS,
    sa.Column("gsrn", sa.String(18), primary_key=True),  # no foreign key: too many rows to check each
    sa.Column("ts_utc", sa.TIMESTAMP, primary_key=True),
    sa.Column("kwh", sa.Double),
    sa.Column("status", sa.String(1), nullable=False),
    sqlite_with_rowid=False,
)
sa.Table(
    "keskeytys",
    MITTAUS,
    sa.Column("keskeytys_id", sa.Integer, primary_key=True, autoincrement=False),
    _point(),
    sa.Column("pvm", sa.Date, nullable=False),
    _text("alku", 5, needed=True),
    sa.Column("kesto_min", sa.Integer, nullable=False),
    _mark(),
)


DATABASES = {"asiakas": ASIAKAS, "laskutus": LASKUTUS, "mittaus": MITTAUS}
"""Source name to its tables."""
