package doctor_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ecr-gate/ecr-gate/gate/doctor"
)

var update = flag.Bool("update", false, "rewrite testdata")

// What nobody has looked at is not fine.
func TestZeroIsNotFine(t *testing.T) {
	var r doctor.Result
	if r.State == doctor.OK || r.State.String() != "unknown" || doctor.State(9).String() != "unknown" {
		t.Errorf("the zero state is %s", r.State)
	}
	if worst := doctor.Worst(nil); worst != doctor.Unknown {
		t.Errorf("of nothing the worst is %s", worst)
	}
}

func TestWorst(t *testing.T) {
	for _, c := range []struct {
		states []doctor.State
		want   doctor.State
	}{
		{[]doctor.State{doctor.OK, doctor.OK}, doctor.OK},
		{[]doctor.State{doctor.OK, doctor.Warning}, doctor.Warning},
		{[]doctor.State{doctor.Warning, doctor.Unknown, doctor.OK}, doctor.Unknown},
		{[]doctor.State{doctor.Unknown, doctor.Fault, doctor.Warning}, doctor.Fault},
	} {
		results := make([]doctor.Result, len(c.states))
		for i, s := range c.states {
			results[i].State = s
		}
		if got := doctor.Worst(results); got != c.want {
			t.Errorf("%v: %s, want %s", c.states, got, c.want)
		}
	}
}

// sheets are two subjects with a result of each state.
func sheets() []doctor.Result {
	a, b := doctor.On("AWS"), doctor.On("registry 111122223333")
	a.OK("credentials", "somebody")
	a.Fault("role", "it may not be assumed", "allow it:\n"+doctor.Allow("arn:aws:iam::111122223333:role/x", "sts:AssumeRole")+"\nand wait")
	b.Warning("scanning", "no rule", "add one")
	b.Unknown("ecr:BatchGetImage", "no answer", "")
	return append(a.Results(), b.Results()...)
}

func TestText(t *testing.T) {
	for name, colour := range map[string]bool{"plain": false, "colour": true} {
		var b strings.Builder
		if err := doctor.Text(&b, sheets(), colour); err != nil {
			t.Fatal(err)
		}
		golden := "testdata/" + name + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), b.String()); diff != "" {
			t.Errorf("%s (go test -update rewrites it):\n%s", golden, diff)
		}
	}
}

func TestJSON(t *testing.T) {
	var b strings.Builder
	if err := doctor.JSON(&b, sheets()); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	items, _ := got["items"].([]any)
	if got["apiVersion"] != "ecr-gate.dev/v1alpha1" || got["kind"] != "DoctorReport" || len(items) != 4 {
		t.Fatal(b.String())
	}
	want := map[string]any{"subject": "registry 111122223333", "check": "ecr:BatchGetImage", "state": "unknown", "found": "no answer"}
	if diff := cmp.Diff(want, items[3]); diff != "" {
		t.Error(diff)
	}
	b.Reset()
	if err := doctor.JSON(&b, nil); err != nil || !strings.Contains(b.String(), `"items": []`) {
		t.Errorf("of no results: %v %s", err, b.String())
	}
}

// Names and messages of other people's steer no terminal and start no line.
func TestNothingHostileIsShownRaw(t *testing.T) {
	const evil = "a\x1b[2Jb\u202ec\x00d\r\nok  e\u2028<script>"
	s := doctor.On(evil)
	s.Fault(evil, evil, evil+"\n"+evil)
	s.Fault("long", strings.Repeat("x", 1<<20), strings.Repeat("x\n", 1<<16))
	var text, document strings.Builder
	if err := doctor.Text(&text, s.Results(), false); err != nil {
		t.Fatal(err)
	}
	if err := doctor.JSON(&document, s.Results()); err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{text.String(), document.String()} {
		if strings.ContainsAny(shown, "\x1b\u202e\x00\r\u2028") || strings.Contains(shown, `\u001b`) || strings.Contains(shown, `\u202e`) {
			t.Errorf("%.300q", shown)
		}
		if len(shown) > 10_000 {
			t.Errorf("%d bytes", len(shown))
		}
	}
	if strings.Contains(document.String(), "<script>") {
		t.Error("HTML in JSON")
	}
}
