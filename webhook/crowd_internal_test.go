package webhook

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// One peer does not keep the others out, nor all of them the process busy; and who
// leaves makes room.
func TestCrowd(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan string, 1)
	c := newCrowd(l, 3, 2, func(peer string) { closed <- peer })
	t.Cleanup(func() { _ = c.Close() })
	accepted := make(chan net.Conn)
	go func() {
		for {
			conn, err := c.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- conn
		}
	}()
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	dial()
	first := <-accepted
	dial()
	<-accepted
	turnedAway := dial()
	if n, err := turnedAway.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("the third of a peer: read %d, %v", n, err)
	}
	select {
	case peer := <-closed:
		if peer != "127.0.0.1" {
			t.Errorf("%q was told", peer)
		}
	default:
		t.Error("nobody was told of the one that was closed")
	}
	if !c.enter("another") {
		t.Error("another peer is kept out")
	}
	if c.enter("a third") {
		t.Error("there is no end to it")
	}
	_ = first.Close()
	_ = first.Close() // leaves once
	dial()
	<-accepted
	if c.all != 3 || c.each["127.0.0.1"] != 2 {
		t.Errorf("%d in all, %v", c.all, c.each)
	}
}

// Connections that are not let in are all counted; the log has one line for them a
// second at most, with an address.
func TestConnectionsTurnedAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		counted := map[Refusal]int{}
		e := &Endpoint{Refused: func(why Refusal) { counted[why]++ }}
		closed := e.turnAway(t.Context(), slog.New(slog.NewTextHandler(&log, nil)))
		for second := 1; second <= 2; second++ {
			for range 5 {
				closed("10.0.0.7")
			}
			if n := strings.Count(log.String(), `level=WARN msg="too many connections; some are closed" address=10.0.0.7`); n != second {
				t.Errorf("%d lines in %d s:\n%s", n, second, &log)
			}
			<-time.After(time.Second)
		}
		if len(counted) != 1 || counted[Connections] != 10 {
			t.Errorf("counted %v", counted)
		}
		(&Endpoint{}).turnAway(t.Context(), slog.New(slog.DiscardHandler))("10.0.0.7") // nobody counts
	})
}
