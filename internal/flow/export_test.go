package flow

// For tests of how numbers are read.
var (
	ParseNumberForTest = parseNumber
	ParseMoneyForTest  = parseMoney
)
