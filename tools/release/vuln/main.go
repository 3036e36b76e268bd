// Command vuln looks for known vulnerabilities in the code that ecr-gate calls, as
// govulncheck does. One that is found is an error. Where the vulnerability database
// cannot be reached, its copy in the module golang.org/x/vulndb is asked, and where
// that cannot be had either, it says so in one line and ends without an error.
//
//	vuln -root ../.. ./cmd/ecr-gate
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/vuln/scan"
)

// found is govulncheck's exit code for vulnerabilities.
const found = 3

func main() {
	c := check{out: os.Stdout}
	flag.StringVar(&c.root, "root", ".", "the folder of the go.mod")
	flag.StringVar(&c.database, "db", "", "the vulnerability database's address; left out: govulncheck's own")
	flag.Parse()
	c.packages = flag.Args()
	if err := c.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // main exits
	}
}

// check is one look for vulnerabilities.
type check struct {
	root     string
	packages []string
	database string
	out      io.Writer
}

func (c check) run(ctx context.Context) error {
	if unreachable := c.probe(ctx); unreachable != nil {
		dir, of, err := copied(ctx)
		if err != nil {
			_, err := fmt.Fprintf(c.out, "vulnerabilities were not looked for: the database cannot be reached (%v), nor its copy\n", unreachable)
			return err
		}
		if _, err := fmt.Fprintf(c.out, "the vulnerability database cannot be reached: its copy of %s is asked\n", of.Format(time.DateOnly)); err != nil {
			return err
		}
		c.database = "file://" + dir
	}
	env, err := c.environment(ctx)
	if err != nil {
		return err
	}
	err = c.govulncheck(ctx, c.out, env, append([]string{"-C", c.root}, c.packages...)...)
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) && exit.ExitCode() == found {
		return errors.New("known vulnerabilities in code that is called: see above")
	}
	return err
}

// probe asks the database for a module that has no vulnerabilities, since
// govulncheck itself asks only after it has read the whole program.
func (c check) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return c.govulncheck(ctx, io.Discard, os.Environ(), "-mode=query", "-format=json", "example.com/none@v1.0.0")
}

func (c check) govulncheck(ctx context.Context, out io.Writer, env []string, args ...string) error {
	if c.database != "" {
		args = append([]string{"-db", c.database}, args...)
	}
	command := scan.Command(ctx, args...)
	command.Env = env
	command.Stdout = out
	command.Stderr = out
	if err := command.Start(); err != nil {
		return err
	}
	return command.Wait()
}
