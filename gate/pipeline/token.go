package pipeline

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"regexp"
	"strings"
	"time"

	"github.com/ecr-gate/ecr-gate/gate"
)

// maxToken is CodePipeline's limit for a continuation token, in characters.
const maxToken = 2048

// memory is what a job remembers from one delivery to the next, in its
// continuation token. Nothing else does.
type memory struct {
	deadline time.Time
	digests  map[string]string       // imageKey -> digest it was resolved to
	readings map[string]gate.Reading // manifest digest -> last reading
}

// token is memory on the wire, kept short: 2048 characters hold 25 digests.
type token struct {
	Version  int                  `json:"v"`
	Deadline int64                `json:"t"` // Unix seconds
	Digests  map[string]string    `json:"d,omitempty"`
	Readings map[string][2]string `json:"r,omitempty"`
}

// encode writes the token. Digests and the deadline must fit, readings are left
// out where they do not: without them a result settles by age alone.
func (m memory) encode() string {
	t := token{Version: 1, Deadline: m.deadline.Unix(), Digests: map[string]string{}, Readings: map[string][2]string{}}
	for key, digest := range m.digests {
		t.Digests[key] = pack(digest)
	}
	text := marshal(t)
	for digest, r := range m.readings {
		at, _ := r.At.UTC().MarshalText()
		t.Readings[pack(digest)] = [2]string{r.Fingerprint, string(at)}
		longer := marshal(t)
		if len(longer) > maxToken {
			return text
		}
		text = longer
	}
	return text
}

func marshal(t token) string {
	text, _ := json.Marshal(t) // maps of strings cannot fail
	return string(text)
}

// decode reads a token. A digest it remembers is used as it is; the deadline can
// only be earlier than a fresh one would be, never later.
func decode(text string, now time.Time, maxWait time.Duration) (memory, error) {
	m := memory{deadline: now.Add(maxWait), digests: map[string]string{}, readings: map[string]gate.Reading{}}
	if text == "" {
		return m, nil
	}
	var t token
	if err := json.Unmarshal([]byte(text), &t); err != nil || t.Version != 1 {
		return m, mistakef("the continuation token is not one of ecr-gate's; release the change again")
	}
	if d := time.Unix(t.Deadline, 0); d.Before(m.deadline) {
		m.deadline = d
	}
	for key, packed := range t.Digests {
		// What is kept goes into the next token, which has a limit.
		if digest, ok := unpack(packed); ok && keyForm.MatchString(key) && len(m.digests) < maxImages {
			m.digests[key] = digest
		}
	}
	for packed, r := range t.Readings {
		var at time.Time
		if digest, ok := unpack(packed); ok && at.UnmarshalText([]byte(r[1])) == nil {
			m.readings[digest] = gate.Reading{Fingerprint: r[0], At: at}
		}
	}
	return m, nil
}

// remember keeps what a look at an image found out for the next one.
func (m memory) remember(v gate.Verdict) {
	if v.Digest != "" {
		m.digests[imageKey(v.Image)] = v.Digest
	}
	maps.Copy(m.readings, v.Readings())
}

// digest is what the image was resolved to at an earlier delivery, if it was.
func (m memory) digest(image string) string { return m.digests[imageKey(image)] }

// keyForm is that of an imageKey.
var keyForm = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)

// imageKey stands for an image's name in the token. Whoever names the images may
// look for two names of one key, to have one judged by the other's digest: 128
// bits make that hopeless.
func imageKey(image string) string {
	sum := sha256.Sum256([]byte(image))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// pack writes a digest in 43 characters.
func pack(digest string) string {
	raw, err := hex.DecodeString(strings.TrimPrefix(digest, "sha256:"))
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func unpack(packed string) (string, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(packed)
	if err != nil || len(raw) != sha256.Size {
		return "", false
	}
	return "sha256:" + hex.EncodeToString(raw), true
}
