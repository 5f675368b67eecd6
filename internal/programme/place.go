package programme

// Place is an entry of the gazetteer: a region (1), cercle (2) or commune (3).
// Villages are not used: a village's name can tell who someone is (context.md 0.3).
type Place struct {
	PCode  string
	Level  int
	Name   string
	Parent string
}

// Region gives the region's code of any place code: ML060504 is in ML06.
func Region(pcode string) string {
	if len(pcode) >= 4 {
		return pcode[:4]
	}
	return ""
}

// Project is one of the programme's projects.
type Project struct {
	Code   string // printed: LAF1
	Dial   string // digits on the phone, the last one a check digit
	Name   string
	Kind   string
	Place  string
	Region string
	Phase  int
}

// Group is a women's group or cooperative that reports.
type Group struct {
	Code    string
	Name    string
	Project string
	Place   string
	Region  string
}
