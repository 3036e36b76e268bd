package process

import "testing"

// Two processes that start at once get no port in common, though neither listens yet.
func TestFreePort(t *testing.T) {
	port, release, err := FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c, err := reservePort(t.Context(), port); err == nil {
		_ = c.Close()
		t.Error("a port is reserved twice")
	}
	release()
	c, err := reservePort(t.Context(), port)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}
