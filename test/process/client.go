package process

import "net/http"

// Transport is one more that asks as the API server does, and trusts the process.
func (p *Process) Transport() *http.Transport { return p.trusting() }

// Hook is the address that reviews are sent to.
func (p *Process) Hook() string { return p.hook }
