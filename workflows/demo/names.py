"""Names, streets and towns to draw from: common names by hand, invented streets, real towns."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FINNISH_LAST = _words(
    "Korhonen Virtanen Mäkinen Nieminen Mäkelä Hämäläinen Laine Heikkinen Koskinen Järvinen Lehtonen Lehtinen "
    "Saarinen Salminen Heinonen Niemi Heikkilä Kinnunen Salonen Turunen Salo Laitinen Tuominen Rantanen Karjalainen "
    "Jokinen Mattila Savolainen Lahtinen Ahonen Äijälä Ylöstalo Mäki-Hakola Rinta-Kohtamäki Ala-Nikkola Yli-Hietala "
    "Isotalo Uusi-Kölli Kivimäki Hautamäki Latvala Perälä Kangas Rajala Luoma Takala Hietanen Öhman Pihlajamäki "
    "Latva-Koivisto Peltoniemi Viitala Hakala Kuusisto Kangasniemi"
)
FINNISH_WOMEN = _words(
    "Maria Helena Anneli Johanna Kaarina Marjatta Hannele Kristiina Liisa Emilia Elina Tuulikki Annikki Maarit Sofia "
    "Susanna Leena Katariina Aino Aada Eevi Helmi Venla Kerttu Päivi Sirpa Tarja Riitta Satu Mervi Ulla Hilkka"
)
FINNISH_MEN = _words(
    "Juhani Johannes Olavi Antero Tapani Kalevi Tapio Matti Mikael Ilmari Pekka Petteri Eino Onni Väinö Leo Oliver "
    "Timo Kari Jari Markku Heikki Seppo Ville Antti Lauri Eero Toivo Urho Veikko Pentti Jukka"
)
SWEDISH_LAST = _words(
    "Johansson Nyman Lindholm Karlsson Andersson Eriksson Lindström Sjöblom Ångström Öhman Backman Holmberg Sundqvist "
    "Nordström Västerlund Häggblom Ström Storå von_Schantz Björkqvist"
)
SWEDISH_WOMEN = _words("Anna Kristina Birgitta Ulla Gunilla Ebba Saga Linnéa Åsa Märta")
SWEDISH_MEN = _words("Johan Erik Karl Gustav Håkan Björn Göran Nils Åke Sven-Olof")
SAMI_LAST = _words("Guttorm Vuolab Eŋŋasaš Sárá Näkkäläjärvi Magga Aikio Ŧuommá Niittyvuopio Čuovga")
SAMI_WOMEN = _words("Áile Máret-Ánne Biret Risten Inga Elle-Máijá")
SAMI_MEN = _words("Niillas Áilu Jovnna Máhtte Issát Heaika")
FOREIGN_LAST = _words("Nguyen Kowalska O'Connor Şahin Hoàng Müller Ivanova García-Łuczak Al-Haddad Tamm Çelik Rossi")
FOREIGN_WOMEN = _words("Anastasiia Mỹ-Linh Siobhán Zeynep Fatima Giulia Kadri Beyoncé")
FOREIGN_MEN = _words("Oleksandr Björn-Åke Đức Mehmet José Siim Seán Abdullahi")

STREETS = _words(
    "Tyrninkukankuja Halkoliiterintie Vilukkalantie Hirvenhyppykuja Savipellonraitti Ruohosipulinkatu Sarkaojankuja "
    "Lakeudenlaita Kytösavuntie Maitolaiturintie Jauhopussinkuja Heinäseiväskuja Puukonterä Nuottaverkonpolku "
    "Tuulivoimanraitti Kärppäsuontie Lumiauranpolku Kurjenmarjantie Viljankuivurintie Pohjantikankaari"
)
TOWNS = (
    ("60100", "Seinäjoki"),
    ("60550", "Nurmo"),
    ("60800", "Ilmajoki"),
    ("61300", "Kurikka"),
    ("62100", "Lapua"),
    ("61100", "Peräseinäjoki"),
)
COMPANIES = _words(
    "Sähkötyö Konepaja Kahvila Kauppapuutarha Kuljetus Parturi Leipomo Kukkakauppa Tilitoimisto Rakennus Metalli "
    "Maansiirto Autokorjaamo Eläinlääkäri Ravintola Saha"
)
MAIL_HOSTS = ("posti.example", "kotiverkko.example", "lakeusnetti.example", "mejl.example", "mail.example")
SITES = ("flat", "row_house", "electric_house", "district_house", "cottage", "farm")
