package programme

import "slices"

// The programme's taxonomy: types of tension and reasons of feedback that staff
// set. Both lists are the programme's own; the types are mapped on the headings
// of the protection monitoring of AMSS and UNHCR in northern Mali, with thanks.
// Labels are French without accents, as the programme's file writes them: the
// console has its own words for them.

// TensionType is one type of the programme's list. The phone asks for a group of
// types; staff set the exact one.
type TensionType struct {
	Code    string
	Label   string // in French
	Long    string // in French: what belongs to it
	Group   int    // of the phone's menu: G1 to G8; 9 is the confidential item
	Level   Level  // that it is read at by default
	Heading string // of AMSS and UNHCR; "": none
}

// TensionTypes lists the types by code.
var TensionTypes = []TensionType{
	{"T01", "Terre / champs", "Terres de culture: limites, heritage, occupation, perimetre irrigue", 1, L1, "A occupation illicite des biens immobiliers"},
	{"T02", "Puits / point d'eau", "Point d'eau: puits, forage, mare, file d'attente, nouveau puits pastoral", 2, L1, "H dispute autour d'un point d'eau"},
	{"T03", "Paturage / bourgou", "Paturage, bourgoutiere, date d'ouverture, redevance, mise en culture de la bourgoutiere", 3, L1, "A"},
	{"T04", "Passage des animaux", "Couloir de passage, piste, gite d'etape bouche ou cultive", 3, L1, "A"},
	{"T05", "Degats dans les champs", "Degats de betail dans les champs ou apres recolte, divagation", 1, L1, "A"},
	{"T06", "Peche", "Zone de peche, filets, barrage de peche, mise en defens", 4, L1, "A"},
	{"T07", "Vol de betail", "Vol ou enlevement de betail", 5, L2, "A vol / pillage"},
	{"T08", "Vol / attaque en route", "Vol, braquage, extorsion sur route, piste ou fleuve, marche", 5, L2, "A extorsion / pillage"},
	{"T09", "Taxe ou barrage illegal", "Barrage, prelevement, zakat ou taxe exigee sans droit", 5, L3, "A taxes illegales"},
	{"T10", "Entre villages / groupes", "Tension entre villages, fractions, quartiers ou communautes", 6, L2, "D discrimination"},
	{"T11", "Chefferie", "Succession ou contestation de chef de village, quartier, fraction", 6, L2, ""},
	{"T12", "Jeunes", "Jeunes: bagarres, desoeuvrement, deception, depart; recrutement par des groupes", 6, L2, "I enfants"},
	{"T13", "Partage de l'aide", "Ciblage, partage, liste, detournement soupconne d'une aide ou d'un projet", 7, L1, ""},
	{"T14", "Deplaces / retour", "Accueil de deplaces, retour, maison ou champ occupe", 7, L2, "A occupation illicite"},
	{"T15", "Marche / commerce", "Acces au marche, prix, boycott, dette, place de vente", 7, L1, ""},
	{"T16", "Ecole / lieu de culte", "Ecole fermee ou menacee, mosquee, mausolee, preche qui divise", 6, L2, "I attaques contre les ecoles"},
	{"T17", "Violence femme / enfant", "Violence faite a une femme, une fille, un enfant; mariage force", 9, L3, "D, E, F, I"},
	{"T18", "Hommes armes / menace", "Presence, menace, enlevement, couvre-feu impose par hommes armes (tous acteurs)", 9, L3, "B, H"},
	{"T19", "Rumeur / haine", "Rumeur, message ou parole qui pousse a la haine", 6, L2, ""},
	{"T20", "Mairie / elections", "Election, mairie, decoupage administratif, partis", 6, L2, ""},
	{"T21", "Discrimination / statut", "Discrimination ou violence liee a l'ascendance, servitude", 9, L3, "B servitude, D"},
	{"T22", "Engin / mine", "Objet explosif vu, mine, accident", 9, L3, "H"},
	{"T99", "Autre", "Autre", 8, L1, ""},
}

// TensionTypeOf gives the type of a code.
func TensionTypeOf(code string) (TensionType, bool) {
	i := slices.IndexFunc(TensionTypes, func(t TensionType) bool { return t.Code == code })
	if i < 0 {
		return TensionType{}, false
	}
	return TensionTypes[i], true
}

// Reason is why a feedback is good or bad. The phone asks for J alone (together or
// apart); staff set the others.
type Reason struct {
	Code  string
	Label string // in French
}

// Reasons lists the reasons by code.
var Reasons = []Reason{
	{"A", "Utile / besoin"},
	{"B", "Tout le monde participe"},
	{"C", "Partage juste"},
	{"D", "Qualite"},
	{"E", "A temps"},
	{"F", "Conduite de l'equipe"},
	{"G", "Information donnee"},
	{"H", "Clarte de l'argent"},
	{"I", "Securite"},
	{"J", "Rapproche / divise les gens"},
}

// ReasonOf gives the reason of a code.
func ReasonOf(code string) (Reason, bool) {
	i := slices.IndexFunc(Reasons, func(r Reason) bool { return r.Code == code })
	if i < 0 {
		return Reason{}, false
	}
	return Reasons[i], true
}
