package webhook

import (
	"errors"
	"io"
	"net"
	"testing"
)

// One peer does not keep the others out, nor all of them the process busy; and who
// leaves makes room.
func TestCrowd(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := newCrowd(l, 3, 2)
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
