// Package webhook is door 2: it answers the Kubernetes API server's admission
// reviews with the gate's verdicts.
//
// Pods are judged; the templates of workloads are only warned about, since what
// they make are pods. Which policy holds for a namespace, and whether it rejects,
// warns or only notes, say the namespace's labels, in the manner of Pod Security
// Admission, and else the configuration.
//
// Nothing in the object can grant an exemption: no annotation, no owner
// reference, no service account, no time of deletion. What the package does not
// know: where scans come from, and what a policy says.
package webhook
