package crash_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ecr-gate/ecr-gate/awslocal"
	"github.com/ecr-gate/ecr-gate/test/process"
)

const descriptors = 64

// Every file descriptor is taken by connections that say nothing. Reviews may fail
// then, and jobs may wait, but nothing passes; and once the connections are gone all
// is as before, with what was changed meanwhile: configuration and certificate.
func TestDescriptorsUsedUp(t *testing.T) {
	t.Parallel()
	s := openSite(t)
	ca := newAuthority(t)
	files := ca.secret()
	files[configFile] = descriptorConfig("before")
	m := newMount(t, files)
	p := s.ready(process.Options{
		Binary: limited(t, fmt.Sprintf("-n %d", descriptors)), Config: both,
		Args: []string{"--config", m.path(configFile), "--webhook-cert-path", m.dir},
	})
	inHand := s.AddJob(s.job(deniedImage))
	release, _ := s.holdFindings()
	await(t, "a job in hand", func() bool { return s.Calls()[acknowledge] == 1 })

	crowd := crowdIn(t, p)
	await(t, "no descriptor to be left", func() bool { return openFiles(t, p.PID) >= descriptors })
	// Whatever is connected to AWS has to connect anew.
	s.Inject(awslocal.Fault{Operation: "*", Truncate: -1, Times: 10})
	release()
	var number atomic.Int64
	denied := push(t, 2, impatient(ca.connecting(p, &number, s.uri(deniedImage))), func(a process.Answer, _ error) string {
		if a.Allowed {
			return "a vulnerable image passes"
		}
		return ""
	})
	queued := s.AddJob(s.job(deniedImage))
	files = ca.secret()
	files[configFile] = descriptorConfig("after")
	m.swap(files)
	await(t, "the new configuration to be out of reach", func() bool {
		return s.says(p, "the new configuration is refused", "too many open files")
	})
	denied.more(t, 2) // each without an answer

	crowd.leave()
	began := time.Now()
	await(t, "the new certificate", func() bool { return number.Load() == 2 })
	note("descriptors used up: from their release to the certificate changed meanwhile", time.Since(began))
	await(t, "a right answer", func() bool { return strings.Contains(denied.last().Message, "image not allowed: ") })
	note("descriptors used up: from their release to the first right answer", time.Since(began))
	if !everything() {
		m.swap(files) // any event will do; without one it is found within a minute
	}
	await(t, "the new policy", func() bool { return strings.Contains(denied.last().Message, "over policy after") })
	note("descriptors used up: from their release to the configuration changed meanwhile", time.Since(began))
	if got := s.ended(inHand); got.Result.FailureType != "JobFailed" {
		t.Errorf("the job in hand: %+v", got)
	}
	note("descriptors used up: from their release to the end of the job in hand", time.Since(began))
	s.ended(s.AddJob(s.job(cleanImage)))
	if left := s.last(queued); !over(left) && left.Status != "Dispatched" {
		t.Errorf("the job that came meanwhile: %+v", left)
	}
	denied.wantRight(t)
	s.wantRight()
}

// impatient gives up as an API server does that was told to wait a second.
func impatient(send ask) ask {
	return func(ctx context.Context) (process.Answer, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return send(ctx)
	}
}

func descriptorConfig(policy string) string {
	return heading + hook + jobs + "policies:\n- {name: " + policy + ", untriagedAs: CRITICAL, maxFindings: {CRITICAL: 0}}\n"
}

// openFiles is how many descriptors a process has.
func openFiles(t *testing.T, pid int) int {
	t.Helper()
	list, err := os.ReadDir(kernel(t, pid, "fd"))
	if err != nil {
		t.Fatalf("the process is gone: %v", err)
	}
	return len(list)
}

// crowd is connections that say nothing, and are opened again when they are closed.
type crowd struct {
	stop context.CancelFunc
	all  sync.WaitGroup
}

func crowdIn(t *testing.T, p *process.Process) *crowd {
	t.Helper()
	at, err := url.Parse(p.Hook())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	c := &crowd{stop: stop}
	for range 2 * descriptors {
		c.all.Go(func() {
			for ctx.Err() == nil {
				occupy(ctx, at.Host)
			}
		})
	}
	t.Cleanup(c.leave)
	return c
}

// occupy keeps one connection until it is closed from the other side, or ctx ends.
func occupy(ctx context.Context, address string) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return
	}
	gone := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer gone()
	_, _ = conn.Read(make([]byte, 1)) // nothing ever comes
	_ = conn.Close()
}

func (c *crowd) leave() {
	c.stop()
	c.all.Wait()
}
