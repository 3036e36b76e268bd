// Package config is the one configuration file: its keys, their defaults, strict
// loading, validation and reload.
//
// The doc comments on the keys are the reference: the JSON schema takes its
// descriptions from them. Durations are written as Go writes them (72h, 20m).
// The package hands out [gate.Policy] and [gate.Exception]; it knows nothing of
// AWS clients, of Kubernetes and of the doors that its blocks open.
package config
