package webhook

import (
	"context"
	"fmt"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// podWebhooks are those that have pods judged when they are made.
func (e *Examination) podWebhooks() []*admissionregistrationv1.ValidatingWebhook {
	var list []*admissionregistrationv1.ValidatingWebhook
	for i := range e.config.Webhooks {
		if slices.ContainsFunc(e.config.Webhooks[i].Rules, aboutPods) {
			list = append(list, &e.config.Webhooks[i])
		}
	}
	return list
}

func aboutPods(r admissionregistrationv1.RuleWithOperations) bool {
	return hasOr(r.APIGroups, "") && (hasOr(r.Resources, "pods") || hasOr(r.Resources, "pods/*")) &&
		(slices.Contains(r.Operations, admissionregistrationv1.Create) || slices.Contains(r.Operations, admissionregistrationv1.OperationAll))
}

func hasOr(list []string, want string) bool {
	return slices.Contains(list, want) || slices.Contains(list, "*") || slices.Contains(list, "*/*")
}

// failurePolicies looks at what becomes of pods while nobody answers, and at
// selectors that the pod itself can answer.
func (e *Examination) failurePolicies() {
	webhooks := e.podWebhooks()
	if len(webhooks) == 0 {
		e.sheet.Fault("webhooks", "none of them is about pods, so every pod is let in", "set the Helm value namespaces.names, and helm upgrade")
	}
	for _, w := range webhooks {
		check := "failurePolicy of " + w.Name
		if w.FailurePolicy != nil && *w.FailurePolicy == admissionregistrationv1.Ignore {
			e.sheet.Warning(check, "Ignore: while no replica answers, pods are let in unjudged", "Helm value webhook.failurePolicy: Fail")
		} else {
			e.sheet.OK(check, "Fail: while no replica answers, pods are refused")
		}
		if s := w.ObjectSelector; s != nil && len(s.MatchLabels)+len(s.MatchExpressions) > 0 {
			e.sheet.Warning("objectSelector of "+w.Name, metav1.FormatLabelSelector(s)+": whoever makes a pod chooses its labels, so this is a way around the gate", "Helm value webhook.objectSelector: {}")
		}
	}
}

// mostNamespacePages is how many pages of namespaces are read.
const mostNamespacePages = 20

// namespaces holds the selectors against the namespaces there are.
func (e *Examination) namespaces(ctx context.Context) {
	all, whole, err := e.listNamespaces(ctx)
	if err != nil {
		e.unanswered("namespaces", err, "list namespaces")
		return
	}
	var covered []corev1.Namespace
	for i := range all {
		if e.covers(&all[i]) != "" {
			covered = append(covered, all[i])
		}
	}
	e.coverage(all, covered, whole)
	e.excluded(all)
	if e.NamespaceLabels {
		e.labels(all)
	}
}

func (e *Examination) listNamespaces(ctx context.Context) (all []corev1.Namespace, whole bool, err error) {
	options := metav1.ListOptions{Limit: listed}
	for range mostNamespacePages {
		page, err := e.namespacePage(ctx, options)
		if err != nil {
			return nil, false, err
		}
		all = append(all, page.Items...)
		if options.Continue = page.Continue; options.Continue == "" {
			return all, true, nil
		}
	}
	return all, false, nil
}

func (e *Examination) namespacePage(ctx context.Context, options metav1.ListOptions) (*corev1.NamespaceList, error) {
	ctx, cancel := e.ask(ctx)
	defer cancel()
	return e.clients.core.Namespaces().List(ctx, options)
}

// covers is the webhook that has a namespace's pods judged; empty: none does.
func (e *Examination) covers(ns *corev1.Namespace) string {
	for _, w := range e.podWebhooks() {
		if selects(w.NamespaceSelector, ns) {
			return w.Name
		}
	}
	return ""
}

// selects as the API server does: no selector is every namespace, and each carries
// its name as a label. A selector that cannot be read is taken for every one.
func selects(selector *metav1.LabelSelector, ns *corev1.Namespace) bool {
	if selector == nil {
		return true
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return true
	}
	set := labels.Set{corev1.LabelMetadataName: ns.Name}
	for k, v := range ns.Labels {
		set[k] = v
	}
	return s.Matches(set)
}

func (e *Examination) coverage(all, covered []corev1.Namespace, whole bool) {
	number := fmt.Sprintf("%d of %d namespaces", len(covered), len(all))
	if !whole {
		number += " (the first of more)"
	}
	if len(covered) == 0 {
		e.sheet.Warning("namespaces", "pods of "+number+" are judged", "Helm value namespaces.names: [NAMESPACE], or\nkubectl label namespace NAMESPACE "+EnforceLabel+"=auto")
		return
	}
	names := make([]string, len(covered))
	for i := range covered {
		names[i] = covered[i].Name + " (" + e.holding(covered[i].Labels) + ")"
	}
	slices.Sort(names)
	e.sheet.OK("namespaces", "pods of "+number+" are judged: "+enumerate(names))
}

// holding says which modes hold in a covered namespace.
func (e *Examination) holding(labels map[string]string) string {
	if !e.NamespaceLabels {
		labels = nil
	}
	m := e.Settings.modes(labels)
	var parts []string
	for _, p := range []struct{ mode, policy string }{{"enforce", m.enforce}, {"warn", m.warn}, {"audit", m.audit}} {
		if p.policy != None {
			parts = append(parts, p.mode+" "+p.policy)
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// excluded: the cluster has to be able to heal, and so has the gate.
func (e *Examination) excluded(all []corev1.Namespace) {
	never := []string{metav1.NamespaceSystem, corev1.NamespaceNodeLease}
	if e.Namespace != "" {
		never = append([]string{e.Namespace}, never...)
	}
	well := true
	for i := range all {
		name := all[i].Name
		if !slices.Contains(never, name) {
			continue
		}
		if webhook := e.covers(&all[i]); webhook != "" {
			well = false
			e.sheet.Fault("namespace "+name, "its pods are judged, by webhook "+webhook+", so what the cluster or the gate needs to start again could be refused for want of itself",
				"helm upgrade puts this back into namespaceSelector.matchExpressions:\n{key: kubernetes.io/metadata.name, operator: NotIn, values: ["+strings.Join(never, ", ")+"]}")
		}
	}
	if well {
		e.sheet.OK("excluded namespaces", strings.Join(never, ", ")+" are not judged")
	}
}

// labels looks for those that name no policy, and those that do nothing.
func (e *Examination) labels(all []corev1.Namespace) {
	var wrong, idle []string
	for i := range all {
		ns := &all[i]
		for _, label := range []string{EnforceLabel, WarnLabel, AuditLabel} {
			value, set := ns.Labels[label]
			switch {
			case !set:
			case value != "" && !e.Settings.knows(value):
				wrong = append(wrong, ns.Name+" ("+label+"="+value+")")
			case e.covers(ns) == "":
				idle = append(idle, ns.Name+" ("+label+"="+value+")")
			}
		}
	}
	words := strings.Join(append([]string{Auto, None}, e.Settings.Policies...), ", ")
	noteLabels(e.sheet.Fault, "labels without a policy", wrong, "where it is enforced every pod is refused, for the configuration has no such policy",
		"write one of "+words+":\nkubectl label --overwrite namespace NAMESPACE "+EnforceLabel+"="+Auto)
	noteLabels(e.sheet.Warning, "labels without effect", idle, "no webhook covers these namespaces",
		"cover it, if only to warn:\nkubectl label namespace NAMESPACE "+EnforceLabel+"="+None)
	if len(wrong)+len(idle) == 0 {
		e.sheet.OK("labels ecr-gate.dev/*", "each names a policy there is, in a namespace that is judged")
	}
}

func noteLabels(note func(check, found, mend string), check string, namespaces []string, what, mend string) {
	if len(namespaces) > 0 {
		note(check, fmt.Sprintf("%s (%d): %s", what, len(namespaces), enumerate(namespaces)), mend)
	}
}
