package sms

import "strings"

// The words of commands, folded by programme.MatchKey. They come from
// languages.md 7 (attested unless a note says otherwise) and from what people
// write in French. None is a single letter: CLDR's "A" for the Songhay yes is the
// beginning of any word (languages.md 0.3). "jo" (stop, but also right, and a
// name) and "nan" (leave, but also a French no) are left out on purpose.

type verb struct {
	kind     Kind
	language string
	tongue   string
}

var commands = commandTable()

func commandTable() map[string]verb {
	out := map[string]verb{}
	for v, list := range map[verb]string{
		{kind: Menu}: `menu, lafia, bonjour, bonsoir, bonne nuit, salut, slt, bjr, bsr, cc, coucou, allo, alo, salam, salam aleykoum, salam aleikoum, salam alaikoum, assalam aleykoum, as salam aleykoum, salamalekoum,
			hello, hi, bonjour lafia, bonjour a tous, bonjour monsieur, bonjour madame, ca va, comment ca va, menu principal, accueil, le menu`,
		{kind: Menu, language: "bm"}:  `i ni ce, aw ni ce, i ni sogoma, aw ni sogoma, i ni tile, aw ni tile, i ni wula, aw ni wula, i ni su, aw ni su, ini ce, inice, anice, aw ni baara, i ka kene wa`,
		{kind: Menu, language: "ses"}: `foofo, foofo foofo, fofo, kani baani, weete baani, hoy baani, wicire baani, hiire baani, war ga ban`,

		{kind: Help}:                  `aide, aidez moi, help, info, infos, information, comment ca marche, comment faire, comment faire, besoin d aide, mode d emploi`,
		{kind: Help, language: "bm"}:  `deme, demeli, n deme`,
		{kind: Help, language: "ses"}: `faaba, faba`,

		{kind: Stop}: `stop, stopp, stope, stoppe, stoper, stopper, arret, arrete, arreter, arretez, arete, areter, aretez, desabonner, desabonnement, desabonne, desabonnez, desabonnez moi, me desabonner, fin,
			plus de messages, plus de message, plus de sms, plus de msg, arretez les messages, arretez les sms, arreter les messages, arreter les sms, ne m envoyez plus, ne m envoyez plus de messages, ne m envoyez plus de sms, unsubscribe, stop sms, stop message, stop messages`,
		{kind: Stop, language: "bm"}:  `dabila, a dabila`,
		{kind: Stop, language: "ses"}: `kayandi, nang`,

		{kind: Start}:                  `debut, reprendre, reprise, start, recommencer, recommencez, abonner, abonnement, abonnez moi, reabonner, commencer, unstop`,
		{kind: Start, language: "bm"}:  `damine, damina`,
		{kind: Start, language: "ses"}: `sintin, shintin`,

		{kind: Keep}: `garder, garde, gardez, gardes, gardez tout, garder tout, ne pas effacer, n effacez pas, ne m effacez pas`,

		// jɔsi and tuusu, "wipe out": attested words; as commands, ours.
		{kind: Erase}: `effacer, effacez, efface, efacer, efacez, eface, supprimer, supprimez, supprime, suprimer, suprimez, oublier, oubliez moi, effacez moi, effacer moi, effacer tout, effacez tout, efface tout, effacer mon numero,
			effacez mon numero, effacer mes messages, effacez mes messages, effacer mes donnees, effacez mes donnees, supprimer mon numero, supprimez mon numero, supprimer mes messages, supprimer mes donnees, supprimez mes donnees`,
		{kind: Erase, language: "bm"}:  `josi, a josi`,
		{kind: Erase, language: "ses"}: `tuusu`,

		{kind: Language}:                               `langue, langues, la langue, changer langue, changer de langue, changer la langue, autre langue`,
		{kind: Language, language: "bm"}:               `kan`,
		{kind: Language, language: "ses"}:              `senni, shenni`,
		{kind: Language, language: "khq"}:              `ciini, chiini`,
		{kind: Language, tongue: "fr"}:                 `francais, en francais, fr, tubabukan`,
		{kind: Language, tongue: "bm", language: "bm"}: `bamanan, bamanankan, bambara, bamana, banmankan, bambarakan, en bambara`,
		{kind: Language, tongue: "ses"}:                `songhay, songhai, songhoy, sonrai, sonrhai, songoy, koyraboro, koyraboro senni, en songhay, en sonrai, songhay gao, sonrai gao`,
		{kind: Language, tongue: "khq"}:                `koyra chiini, koyra ciini, koyra, songhay tombouctou, sonrai tombouctou, koira chiini`,
		{kind: Language, tongue: "other"}:              `peul, peulh, fulfulde, tamasheq, tamachek, tamasheck, arabe, hassaniya, bozo, dogon, soninke, anglais`,
		{kind: Confidential}:                           `confidentiel, confidentielle, confidence, secret, prive, en prive, en secret, message confidentiel, parler en secret, parler en prive, je veux parler en secret, je veux parler en prive, c est confidentiel`,
		{kind: Confidential, language: "bm"}:           `gundo`,
		{kind: Confidential, language: "ses"}:          `sutura, gundu, gundoo`,
		{kind: Yes}:                                    `oui, ok, okay, d accord, daccord, dacord, d acord, oui d accord, oui ok, ouii, ouiii, ouais, ouai, oue, wi, ui, yes, oui c est juste, c est juste, c est bon, oui oui, oui c est ca, bien sur, oui je veux, je confirme, confirmer, je suis d accord, exact`,
		{kind: Yes, language: "bm"}:                    `awo, owo, iyo, onhon, unhun, naamu, awo awo`,
		{kind: Yes, language: "ses"}:                   `ayyo, ayo, ayyoo`,
		{kind: Yes, language: "other"}:                 `eey`, // Fulfulde, CLDR
		{kind: No}:                                     `non, no, non merci, pas d accord, pas daccord, non non, nonn, c est pas juste, ce n est pas juste, pas juste, c est faux, pas question, non pas du tout`,
		{kind: No, language: "bm"}:                     `ayi, aayi, on on, un un`,
		{kind: No, language: "ses"}:                    `kala, kalaa, kala kala`,
		{kind: No, language: "other"}:                  `alaa`, // Fulfulde, CLDR
	} {
		for _, key := range strings.Split(list, ",") {
			out[strings.Join(strings.Fields(key), " ")] = v
		}
	}
	return out
}

func set(list string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(list) {
		out[w] = true
	}
	return out
}

func lines(list string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Split(list, ",") {
		out[strings.Join(strings.Fields(w), " ")] = true
	}
	return out
}

// purposes are what a STOP may name.
var purposes = map[string][]string{
	"info": {Broadcast}, "infos": {Broadcast}, "information": {Broadcast}, "informations": {Broadcast}, "nouvelle": {Broadcast}, "nouvelles": {Broadcast},
	"annonce": {Broadcast}, "annonces": {Broadcast}, "diffusion": {Broadcast}, "pub": {Broadcast},
	"rappel": {Reminder}, "rappels": {Reminder}, "rapel": {Reminder}, "rapport": {Reminder}, "rapports": {Reminder},
	"reponse": {Answer}, "reponses": {Answer}, "suivi": {Answer},
	"tout": {Broadcast, Reminder, Answer}, "tous": {Broadcast, Reminder, Answer}, "toutes": {Broadcast, Reminder, Answer}, "all": {Broadcast, Reminder, Answer},
}

// small words may stand between a command and what it is about.
var small = set(`les le la l des de du mes mon ma un une au aux code numero no n ref reference message messages sms est c`)

// polite words may stand around a command.
var polite = set(`svp stp merci mercii mrc please pardon s il vous plait te plai sil vousplait silvousplait silteplait sabali taare hakeeto`)

// greets may stand before a wish to be called.
var greets = set(`bonjour bonsoir bjr bsr slt salut salam allo`)

// askReference are the words that ask what became of a message. nimɔrɔ and lanba
// ("number") are attested words; as commands, ours.
var askReference = set(`suivi suivie suivis suivre suivit ref reference referance code reponse nimoro lanba lanbaa`)

// ordinary are words of the languages that are one letter away from a command and
// mean something else.
var ordinary = set(`debat debit rebut debuts bonjours saluts salue secrets privee proses langer lange linge langage manger arrets arbre apres effet effort effets supreme
	suivez suive information senna sanni damini demena dabili daminen sutara sutra lafiya faabo baaba infirme reprise reprises abonde commence comencer confirme
	francaise francais bambarra exacte exacts exactement enfin avril coran start starts stops stock store`)

// callTemplates are the whole texts that ask to be called; what may follow is a
// number. Those of the operators are Orange's two and Malitel's (yeleman/douentza,
// event_type_from_message); the others are how people write it themselves.
var callTemplates = lines(`peux tu me rappeler au numero suivant, peux tu me rappeler, peux tu me rappeler au, peux tu recharger mon compte, pouvez vous me rappeler, pouvez vous recharger mon compte, recharge mon compte, recharger mon compte, rechargez mon compte,
	rappellez moi s il vous plait au numero suivant, rappelez moi s il vous plait au numero suivant, rappelle moi au numero suivant, rappelez moi au numero suivant, appelle moi au numero suivant,
	rappelle moi, rappelez moi, rappellez moi, rappel moi, rapel moi, rapelle moi, rapelez moi, rappeler moi, appelle moi, appelez moi, appellez moi, apel moi, appel moi, apelle moi, apelez moi, rappele moi, appeler moi,
	bip, bipe, biip, bip bip, beep, bipe moi, bipez moi, call me, callme, call me back, please call me, pas de credit rappelle moi, pas de credit rappelez moi, je n ai pas de credit rappelez moi, j ai pas de credit rappelez moi, je n ai pas de credit, pas de credit,
	je n ai plus de credit, plus de credit, rappelez, rappelle, rappel, rapel, appel, rappeler moi urgent, rappelez moi urgent, rappelle moi vite, rappelez moi vite, il faut me rappeler, veuillez me rappeler, n wele, i ka n wele, aw ye n wele`)

// afterCall may follow a wish to be called, before the number.
var afterCall = set(`au a sur le numero suivant ce mon no num tel urgent vite maintenant plus possible des que dès`)

// operatorTexts are runs of words, folded, that no person writes to a service.
var operatorTexts = []string{
	" messagerie vocale ", " vous avez recu un appel ", " vous avez recu 1 appel ", " appel en absence ", " appels en absence ", " a tente de vous joindre ", " a essaye de vous joindre ", " a cherche a vous joindre ",
	" nouveau message vocal ", " votre solde ", " votre credit est ", " votre credit de ", " credit principal ", " votre forfait ", " votre rechargement ", " vous avez recharge ", " votre compte a ete ", " votre recharge ",
	" cher client ", " chere cliente ", " cher abonne ", " chers clients ", " code de verification ", " code de confirmation ", " votre code pin ", " code secret ", " code promo ", " mot de passe a usage ", " ne partagez jamais ", " ne communiquez jamais ",
	" est desormais joignable ", " est de nouveau joignable ", " est disponible vous pouvez ", " vous a transfere ", " transfert de credit ", " votre ligne ", " nouveau solde ", " transaction id ", " id transaction ", " trans id ", " sos credit ", " emprunt de credit ", " votre numero gagne ", " bienvenue chez orange ", " bienvenue chez moov ", " orange vous ", " moov vous ", " moov africa ", " malitel vous ",
}

// operatorSigns are words of such texts that people use too.
var operatorSigns = set(`orange moov malitel telecel sotelma bonus promo promotion forfait forfaits credit solde gagnez gagner valable composez tapez fcfa f mega mo go gb mb illimite illimites internet offert offerts offre expire validite
	tombola jackpot jeu recharge rechargez activez activer souscrire souscrivez pass sms appels minutes heures gratuit profitez cliquez abonnez money kado maxit`)

// ownWords tell that a person writes.
var ownWords = set(`je j on nous notre nos mon ma mes moi il elle ils elles svp projet groupe groupement village comite an ne n ay ir`)
