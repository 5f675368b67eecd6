package simulator

import (
	"fmt"
	"strings"

	"github.com/a-h/templ"
)

// words are the page's words in one language. Those with % are formats.
type words struct {
	Lang, OtherLang, OtherName string

	Title, Banner, BannerMore, Skip                        string
	Phone, Number, Change, Remove, AddPhone, AddThis       string
	DemoPhones, Shown, TooMany                             string
	Screen, Idle, Dial, Reply, Green, Red, Rub, Star, Hash string
	HangUpEnd, HangUpEndHelp, Again, AgainHelp, Codes      string
	CallCode, MainMenu, Channel, Tools                     string
	Inbox, Empty, Compose, To, SendSMS, Sent, Received     string
	Septets, Units, Segment, Segments, Line, Lines         string
	Identical, Different, NoAgain, NotTaken                string
	TimedOut, Unreachable, Unreadable                      string
	BadCode, Voice, EmptyReply, EmptySMS, TooLong, HungUp  string
	EndTold, EndFailed, NoEnd, Lost, Older                 string
}

var french = words{
	Lang: "fr", OtherLang: "en", OtherName: "English",

	Title:      "Simulateur de téléphone",
	Banner:     "Ceci est un simulateur : aucun message ne part vraiment.",
	BannerMore: "Les téléphones sont dessinés ; à l’arrêt ils ne gardent que les SMS reçus ; le reste de Lafia est vrai. Rien n’est facturé.",
	Skip:       "Aller aux téléphones",

	Phone: "Téléphone", Number: "Numéro", Change: "Changer", Remove: "Retirer",
	AddPhone: "Ajouter un téléphone", AddThis: "Ajouter",
	DemoPhones: "Téléphones de démonstration", Shown: "affiché", TooMany: "La page montre %d téléphones au plus.",

	Screen: "Écran", Idle: "Composez un code, puis la touche verte.", Dial: "Composer", Reply: "Répondre",
	Green: "Appeler ou envoyer", Red: "Raccrocher", Rub: "Effacer", Star: "Touche étoile", Hash: "Touche dièse",
	HangUpEnd: "Raccrocher et prévenir", HangUpEndHelp: "L’opérateur annonce la fin de session à Lafia. La touche rouge, elle, coupe sans rien dire.",
	Again: "Renvoyer la requête", AgainHelp: "Répète la dernière requête à l’octet près, comme un opérateur qui n’a pas eu la réponse.",
	Codes: "Codes à essayer", CallCode: "Appeler", MainMenu: "Menu principal", Channel: "Canal", Tools: "Outils de test",

	Inbox: "SMS", Empty: "Aucun SMS.", Compose: "Écrire un SMS", To: "À %s", SendSMS: "Envoyer le SMS", Sent: "Envoyé à %s", Received: "Reçu de %s",

	Septets: "septets", Units: "unités", Segment: "segment", Segments: "segments", Line: "ligne", Lines: "lignes",
	Identical: "Réponse identique, octet pour octet (%d ms).", Different: "Réponse différente (%d ms) :", NoAgain: "Pas de réponse à la répétition.",
	NotTaken: "Refusé : HTTP %d",
	TimedOut: "Pas de réponse à temps. Réessayez.", Unreachable: "Service injoignable.", Unreadable: "Réponse illisible : HTTP %d",

	BadCode: "Problème de connexion ou code MMI non valide.", Voice: "Ce téléphone ne passe pas d’appels. Composez un code comme %s",
	EmptyReply: "Écrivez d’abord une réponse.", EmptySMS: "Écrivez d’abord un message.", TooLong: "Trop long : raccourcissez.",
	HungUp: "Appel coupé. Lafia n’en sait rien.", EndTold: "Appel coupé. Fin de session annoncée à Lafia.",
	EndFailed: "Appel coupé. L’annonce de fin n’a pas été acceptée.", NoEnd: "Appel coupé. Cet opérateur n’annonce rien.",
	Lost: "Le simulateur ne répond plus.", Older: "%d plus anciens ne sont pas montrés.",
}

var english = words{
	Lang: "en", OtherLang: "fr", OtherName: "Français",

	Title:      "Phone simulator",
	Banner:     "This is a simulator: no message is really sent.",
	BannerMore: "The phones are drawn, and keep only the SMS they received when it stops; the rest of Lafia is real. Nothing is charged.",
	Skip:       "Go to the phones",

	Phone: "Phone", Number: "Number", Change: "Change", Remove: "Remove",
	AddPhone: "Add a phone", AddThis: "Add",
	DemoPhones: "Demo phones", Shown: "shown", TooMany: "The page shows %d phones at most.",

	Screen: "Screen", Idle: "Dial a code, then press the green key.", Dial: "Dial", Reply: "Reply",
	Green: "Call or send", Red: "Hang up", Rub: "Erase", Star: "Star key", Hash: "Hash key",
	HangUpEnd: "Hang up and tell", HangUpEndHelp: "The operator tells Lafia that the session is over. The red key cuts it without a word.",
	Again: "Send the request again", AgainHelp: "Repeats the last request to the byte, as an operator does that did not get the answer.",
	Codes: "Codes to try", CallCode: "Call", MainMenu: "Main menu", Channel: "Channel", Tools: "Test tools",

	Inbox: "SMS", Empty: "No SMS.", Compose: "Write an SMS", To: "To %s", SendSMS: "Send the SMS", Sent: "Sent to %s", Received: "Received from %s",

	Septets: "septets", Units: "units", Segment: "segment", Segments: "segments", Line: "line", Lines: "lines",
	Identical: "Identical answer, byte for byte (%d ms).", Different: "Different answer (%d ms):", NoAgain: "No answer to the repeat.",
	NotTaken: "Refused: HTTP %d",
	TimedOut: "No answer in time. Try again.", Unreachable: "Service unreachable.", Unreadable: "Unreadable answer: HTTP %d",

	BadCode: "Connection problem or invalid MMI code.", Voice: "This phone makes no calls. Dial a code such as %s",
	EmptyReply: "Write a reply first.", EmptySMS: "Write a message first.", TooLong: "Too long: make it shorter.",
	HungUp: "Call dropped. Lafia knows nothing of it.", EndTold: "Call dropped. Lafia was told of the end.",
	EndFailed: "Call dropped. The news of the end was not taken.", NoEnd: "Call dropped. This operator tells nobody.",
	Lost: "The simulator no longer answers.", Older: "%d older ones are not shown.",
}

// wordsOf gives the words of a language: French, unless English is asked for.
func wordsOf(lang string) words {
	if lang == english.Lang {
		return english
	}
	return french
}

// measure says how much a text takes, as "118/160 septets · GSM-7".
func (w words) measure(m *measure) string {
	unit, encoding := w.Septets, "GSM-7"
	if m.Encoding == "ucs2" {
		unit, encoding = w.Units, "UCS-2"
	}
	if m.Limit > 0 {
		return fmt.Sprintf("%d/%d %s · %s", m.Units, m.Limit, unit, encoding)
	}
	return fmt.Sprintf("%d %s · %s · %s", m.Units, unit, count(m.Segments, w.Segment, w.Segments), encoding)
}

// meta says under a screen, in rows, what it took and how it came.
func (w words) meta(s shown) (rows [][]string) {
	if s.SessionID == "" {
		return nil
	}
	if s.Measure != nil {
		rows = append(rows, []string{w.measure(s.Measure), count(s.Lines, w.Line, w.Lines)})
	}
	kind := s.Kind
	if kind == "" {
		kind = fmt.Sprintf("HTTP %d", s.Status)
	}
	return append(rows, []string{kind, fmt.Sprintf("%d ms", s.LatencyMS)})
}

// failed is what the phone shows where no screen came.
func (w words) failed(s shown) string {
	switch s.Error {
	case string(timedOut):
		return w.TimedOut
	case string(unreachable):
		return w.Unreachable
	case "":
		return ""
	}
	return fmt.Sprintf(w.Unreadable, s.Status)
}

// again says what came of sending a request once more.
func (w words) again(c *call) *againView {
	switch a := c.again; {
	case a == nil:
		return nil
	case a.answer.failure != answered:
		return &againView{Said: w.NoAgain}
	case a.identical:
		return &againView{Identical: true, Said: fmt.Sprintf(w.Identical, a.answer.took.Milliseconds())}
	default:
		return &againView{
			Said: fmt.Sprintf(w.Different, a.answer.took.Milliseconds()),
			Body: fmt.Sprintf("HTTP %d\n%s", a.answer.status, strings.ToValidUTF8(string(a.answer.body), "\uFFFD")),
		}
	}
}

// keyName names the keys that do not name themselves.
func (w words) keyName(key string) templ.Attributes {
	switch key {
	case "*":
		return templ.Attributes{"aria-label": w.Star}
	case "#":
		return templ.Attributes{"aria-label": w.Hash}
	}
	return nil
}

// note is what the phone says by itself; code is one that can be dialled.
func (w words) note(n note, code string) string {
	switch n {
	case badCode:
		return w.BadCode
	case voice:
		return fmt.Sprintf(w.Voice, code)
	case emptyReply:
		return w.EmptyReply
	case tooLong:
		return w.TooLong
	case hungUp:
		return w.HungUp
	case endTold:
		return w.EndTold
	case endFailed:
		return w.EndFailed
	case noEnd:
		return w.NoEnd
	}
	return ""
}

func (w words) smsNote(n note) string {
	if n == emptyReply {
		return w.EmptySMS
	}
	return w.note(n, "")
}

// count writes a number and its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
