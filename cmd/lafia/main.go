// Command lafia is the gateway and its tools. `lafia --help` lists them.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
