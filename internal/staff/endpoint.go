package staff

import "slices"

// Endpoint is one thing that the console answers. The console registers its
// routes from this table, allows by it, and builds its navigation from it: what
// a role may not see has no link and answers as if it did not exist.
type Endpoint struct {
	Name   string
	Method string
	Path   string // below /console, with :id for a submission, :doubt for a message that was sent, :broadcast for an announcement, :flow and :language for a menu
	Roles  []Role // nil: whoever comes, signed in or not
	Menu   string // key of its word in the navigation; empty: not there
}

var (
	readers    = []Role{Viewer, Officer, Peace, Coordinator, Administrator}
	movers     = []Role{Officer, Peace, Coordinator, Administrator}
	announcers = []Role{Officer, Coordinator, Administrator}
	wordsmiths = []Role{Translator, Coordinator, Administrator}
	everyone   = Roles
)

// Endpoints is the table of roles by endpoint. Its order is that of the
// navigation, and the first that a role has with a Menu is her first page.
var Endpoints = []Endpoint{
	{Name: "confidential", Method: "GET", Path: "/confidential", Roles: []Role{Protection}, Menu: "nav.confidential"},
	{Name: "confidential.open", Method: "POST", Path: "/confidential", Roles: []Role{Protection}},
	{Name: "messages", Method: "GET", Path: "/messages", Roles: readers, Menu: "nav.messages"},
	{Name: "message", Method: "GET", Path: "/messages/:id", Roles: readers},
	{Name: "message.move", Method: "POST", Path: "/messages/:id/status", Roles: movers},
	{Name: "message.answer", Method: "POST", Path: "/messages/:id/answer", Roles: movers},
	{Name: "message.classify", Method: "POST", Path: "/messages/:id/class", Roles: movers},
	{Name: "message.raise", Method: "POST", Path: "/messages/:id/level", Roles: movers},
	{Name: "message.confirm", Method: "POST", Path: "/messages/:id/confirm", Roles: movers},
	{Name: "message.number", Method: "POST", Path: "/messages/:id/number", Roles: movers},
	{Name: "doubts", Method: "GET", Path: "/doubts", Roles: movers, Menu: "nav.doubts"},
	{Name: "doubt", Method: "POST", Path: "/doubts/:doubt", Roles: movers},
	{Name: "broadcasts", Method: "GET", Path: "/broadcasts", Roles: announcers, Menu: "nav.broadcasts"},
	{Name: "broadcast", Method: "POST", Path: "/broadcasts", Roles: announcers},
	{Name: "broadcast.stop", Method: "POST", Path: "/broadcasts/:broadcast/stop", Roles: announcers},
	{Name: "languages", Method: "GET", Path: "/languages", Roles: wordsmiths, Menu: "nav.languages"},
	{Name: "menus", Method: "GET", Path: "/menus", Roles: wordsmiths, Menu: "nav.menus"},
	{Name: "menu", Method: "GET", Path: "/menus/:flow/:language", Roles: wordsmiths},
	{Name: "menu.picture", Method: "GET", Path: "/menus/:flow/:language/picture.svg", Roles: wordsmiths},
	{Name: "channels", Method: "GET", Path: "/channels", Roles: []Role{Coordinator, Administrator}, Menu: "nav.channels"},
	{Name: "sending", Method: "GET", Path: "/sending", Roles: []Role{Coordinator, Administrator}, Menu: "nav.sending"},
	{Name: "accounts", Method: "GET", Path: "/accounts", Roles: []Role{Administrator}, Menu: "nav.accounts"},
	{Name: "audit", Method: "GET", Path: "/audit", Roles: []Role{Administrator}, Menu: "nav.audit"},
	{Name: "logout", Method: "POST", Path: "/logout", Roles: everyone},
	{Name: "home", Method: "GET", Path: "", Roles: nil},
	{Name: "login.form", Method: "GET", Path: "/login", Roles: nil},
	{Name: "login", Method: "POST", Path: "/login", Roles: nil},
	{Name: "language", Method: "POST", Path: "/language", Roles: nil},
}

// Allows reports whether a role may use the endpoint.
func (e Endpoint) Allows(r Role) bool { return e.Roles == nil || slices.Contains(e.Roles, r) }

// EndpointNamed finds an endpoint of the table.
func EndpointNamed(name string) (Endpoint, bool) {
	for _, e := range Endpoints {
		if e.Name == name {
			return e, true
		}
	}
	return Endpoint{}, false
}

// May reports whether a role may use the endpoint of that name.
func (r Role) May(name string) bool {
	e, ok := EndpointNamed(name)
	return ok && e.Allows(r)
}

// Menu lists the endpoints in a role's navigation.
func (r Role) Menu() []Endpoint {
	var list []Endpoint
	for _, e := range Endpoints {
		if e.Menu != "" && e.Allows(r) {
			list = append(list, e)
		}
	}
	return list
}
