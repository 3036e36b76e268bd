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
//
// A review's way is the order to read in: server.go lets the connection in
// (crowd.go), endpoint.go the review (room.go), exchange.go decodes it, and
// handler.go chooses by its kind. A pod goes on to pod.go, which images are to be
// judged; settings.go, by which policies, as the namespace's labels say
// (namespace.go); questions.go, when there is room for them; judge.go, which asks the
// gate; and reviewed.go, what that means here, in the words of message.go and
// event.go. What was refused without a verdict is in refusal.go. Workloads are answered by template.go, namespaces by relabel.go.
//
// Beside that way: door.go makes a process of it, ready.go says when it is one to be
// asked, certificate.go and rotation.go keep its certificate, and examine.go and the
// files of that name look at all this from outside, for doctor.
package webhook
