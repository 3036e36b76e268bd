package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// process is a program that has to run as long as the cluster does.
type process struct {
	name string
	log  string
	done chan struct{} // closed when it has ended
	err  error         // how, once done is closed
}

// start starts a program with its output in NAME.log. It is not ended here: the
// sandbox does that, and better than we could.
func (c *Cluster) start(name, program string, args ...string) error {
	p := &process{name: name, log: filepath.Join(c.options.Logs, name+".log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return err
	}
	command := exec.Command(program, args...) //nolint:gosec,noctx // see above
	command.Stdout, command.Stderr = log, log
	err = command.Start()
	_ = log.Close()
	if err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		p.err = command.Wait()
		close(p.done)
	}()
	c.processes = append(c.processes, p)
	return nil
}

// Alive returns an error that shows the end of its log if one of the cluster's
// processes has ended.
func (c *Cluster) Alive() error {
	for _, p := range c.processes {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %w; the end of %s:\n%s", p.name, errors.Join(p.err, errEnded), p.log, tail(p.log, 12))
		default:
		}
	}
	return nil
}

var errEnded = errors.New("it should run as long as the cluster")

const (
	pace = 50 * time.Millisecond // how often conditions are looked at again
	// oneLook is how long a look may take: a request sent while a server starts may
	// never be answered.
	oneLook = 5 * time.Second
)

func attempt(ctx context.Context, condition func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, oneLook)
	defer cancel()
	return condition(ctx)
}

// Until waits until the condition holds: not longer than the limit, and not longer
// than the cluster's processes live.
func (c *Cluster) Until(ctx context.Context, what string, limit time.Duration, condition func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	again := time.NewTicker(pace)
	defer again.Stop()
	var why error
	for {
		err := attempt(ctx, condition)
		if err == nil {
			return nil
		}
		if why == nil || !errors.Is(err, context.DeadlineExceeded) {
			why = err // says more than that there was no time left
		}
		if dead := c.Alive(); dead != nil {
			return fmt.Errorf("waiting for %s: %w", what, dead)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s: %w", limit, what, why)
		case <-again.C:
		}
	}
}

// tail is the last lines of a file.
func tail(file string, lines int) string {
	content, err := os.ReadFile(file) //nolint:gosec // a log of ours
	if err != nil {
		return err.Error()
	}
	all := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return "  " + strings.ReplaceAll(string(bytes.Join(all, []byte("\n"))), "\n", "\n  ")
}
