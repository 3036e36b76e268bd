package process

import "testing"

// Two processes that start at once get no port in common, though neither listens yet.
func TestReserve(t *testing.T) {
	var ports [1]string
	held, err := reserve(t.Context(), ports[:])
	if err != nil {
		t.Fatal(err)
	}
	if c, err := reservePort(t.Context(), ports[0]); err == nil {
		_ = c.Close()
		t.Error("a port is reserved twice")
	}
	held.release()
	c, err := reservePort(t.Context(), ports[0])
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}
