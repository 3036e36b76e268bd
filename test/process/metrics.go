package process

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Metrics are the numbers that the process shows, by series as it writes them:
// go_goroutines, ecr_gate_jobs_total{result="failed"}.
type Metrics map[string]float64

// Metrics reads them.
func (p *Process) Metrics(ctx context.Context) (Metrics, error) {
	text, err := p.get(ctx, p.metrics)
	if err != nil {
		return nil, err
	}
	m := Metrics{}
	for line := range strings.Lines(text) {
		at := strings.LastIndexByte(line, ' ')
		if at < 0 || line[0] == '#' {
			continue
		}
		if value, err := strconv.ParseFloat(strings.TrimSpace(line[at:]), 64); err == nil {
			m[line[:at]] = value
		}
	}
	return m, nil
}

// Goroutines is how many there are.
func (m Metrics) Goroutines() int { return int(m["go_goroutines"]) }

// Resident is the memory that is in the machine's, in bytes; only Linux tells.
func (m Metrics) Resident() int { return int(m["process_resident_memory_bytes"]) }

// Files is how many file descriptors are open; only Linux tells.
func (m Metrics) Files() int { return int(m["process_open_fds"]) }

// Sum adds the series of one name, whatever their labels.
func (m Metrics) Sum(name string) (sum float64) {
	for series, value := range m {
		if series == name || strings.HasPrefix(series, name+"{") {
			sum += value
		}
	}
	return sum
}

func (p *Process) get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := p.plain.Do(req)
	if err != nil {
		return "", err
	}
	defer response.Body.Close() //nolint:errcheck // read only
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: HTTP %d: %.200s", url, response.StatusCode, text)
	}
	return string(text), nil
}
