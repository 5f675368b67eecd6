package main

// benchCmd is `lafia bench`.
type benchCmd struct {
	JSON string `placeholder:"FILE" help:"Write the figures to a file, for programs."`
}

// Run measures.
func (c *benchCmd) Run(ctx *cliContext) error { return wrongUse("bench is being written") }
