package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What becomes of a mutant.
const (
	killed     = "killed"      // a test failed
	hung       = "hung"        // the tests came to no end
	lived      = "LIVED"       // they passed
	notReached = "NOT REACHED" // they never came by
)

type result struct {
	mutant
	fate string
}

// trials runs a package's tests, once for each mutant.
type trials struct {
	dir, binary string
	skip        string
	workers     int
	timeout     time.Duration
}

func (t trials) build(overlay string) error {
	out, err := exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-w", "-overlay", overlay, "-o", t.binary, t.dir).CombinedOutput() //nolint:gosec,noctx // written here, and it ends by itself
	if err != nil {
		return fmt.Errorf("the mutants do not compile: %w\n%s", err, out)
	}
	return nil
}

// run first sees that the tests pass without a mutant, and which ones they reach.
func (t trials) run(mutants []mutant, reachedFile string) ([]result, error) {
	if fate, out := t.try(0, reachedFile); fate != lived {
		return nil, fmt.Errorf("the tests do not pass as it is (%s):\n%s", fate, out)
	}
	reached, err := readNumbers(reachedFile)
	if err != nil {
		return nil, err
	}
	results := make([]result, len(mutants))
	todo := make(chan int)
	var all sync.WaitGroup
	for range t.workers {
		all.Go(func() {
			for i := range todo {
				results[i] = result{mutants[i], notReached}
				if reached[mutants[i].id] {
					results[i].fate, _ = t.try(mutants[i].id, "")
				}
			}
		})
	}
	for i := range mutants {
		todo <- i
	}
	close(todo)
	all.Wait()
	return results, nil
}

func (t trials) try(id int, reachedFile string) (fate string, out []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), t.timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, t.binary, "-test.failfast", "-test.count=1", "-test.skip="+t.skip) //nolint:gosec // built here
	cmd.Dir, cmd.WaitDelay = t.dir, 2*time.Second
	cmd.Env = append(os.Environ(), "MUTANT="+strconv.Itoa(id), "MUTANTS_REACHED="+reachedFile)
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return hung, out
	case errors.As(err, &failed):
		return killed, out
	case err != nil:
		return killed, []byte(err.Error())
	default:
		return lived, out
	}
}

func readNumbers(file string) (map[int]bool, error) {
	text, err := os.ReadFile(file) //nolint:gosec // of this program's own folder
	if err != nil {
		return nil, fmt.Errorf("no mutant is reached: %w", err)
	}
	numbers := map[int]bool{}
	for _, word := range strings.Fields(string(bytes.TrimSpace(text))) {
		n, err := strconv.Atoi(word)
		if err != nil {
			return nil, err
		}
		numbers[n] = true
	}
	return numbers, nil
}
