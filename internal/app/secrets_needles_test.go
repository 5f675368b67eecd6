package app_test

// canaryWords are in every text that the tests write on a phone: nothing that
// is kept or printed may hold them in the clear.
const canaryWords = "zibeline orpiment"
