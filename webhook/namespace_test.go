package webhook_test

import (
	"context"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/ecr-gate/ecr-gate/webhook"
)

// A namespace that the informer knows costs no call; one that it does not know yet
// is asked for once; one that nobody knows fails closed.
func TestLabelReader(t *testing.T) {
	informer, live := newAPIServer(t), newAPIServer(t)
	informer.namespaces["dev"] = map[string]string{webhook.EnforceLabel: "lax"}
	live.namespaces["new"] = map[string]string{webhook.EnforceLabel: "none"}
	reader := webhook.LabelReader{Informer: informer.reader(t), Live: live.reader(t)}

	found, err := reader.Labels(t.Context(), "dev")
	if err != nil || found[webhook.EnforceLabel] != "lax" || live.calls() != 0 {
		t.Errorf("dev: %v %v, %d live calls", found, err, live.calls())
	}
	found, err = reader.Labels(t.Context(), "new")
	if err != nil || found[webhook.EnforceLabel] != "none" || live.calls() != 1 {
		t.Errorf("new: %v %v, %d live calls", found, err, live.calls())
	}
	if found, err = reader.Labels(t.Context(), "nowhere"); err == nil {
		t.Errorf("nowhere: %v", found)
	}
	// Who makes namespaces up has a bounded number of them looked for.
	seldom := webhook.LabelReader{Informer: reader.Informer, Live: reader.Live, Seldom: rate.NewLimiter(0, 1)}
	if found, err = seldom.Labels(t.Context(), "new"); err != nil || found[webhook.EnforceLabel] != "none" {
		t.Errorf("new, while there is room: %v %v", found, err)
	}
	asked := live.calls()
	hurry, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if found, err = seldom.Labels(hurry, "new"); err == nil || live.calls() != asked {
		t.Errorf("new, once too often: %v, %d live calls", found, live.calls()-asked)
	}
	if found, err = seldom.Labels(t.Context(), "dev"); err != nil || found[webhook.EnforceLabel] != "lax" {
		t.Errorf("dev, which costs no call: %v %v", found, err)
	}
	live.fail()
	if found, err = reader.Labels(t.Context(), "new"); err == nil {
		t.Errorf("an API server that fails: %v", found)
	}
	before := live.calls()
	informer.fail() // an informer that cannot tell is no informer that knows of none
	if found, err = reader.Labels(t.Context(), "dev"); err == nil || live.calls() != before {
		t.Errorf("an informer that fails: %v, %d live calls", found, live.calls()-before)
	}
}
