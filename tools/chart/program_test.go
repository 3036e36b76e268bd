package chart

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the ecr-gate that the chart installs, built from this checkout.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ecr-gate")
	run(t, "go", "build", "-C", root, "-o", path, "./cmd/ecr-gate")
	return path
}

// Chart and program cannot drift apart.
func TestProgram(t *testing.T) {
	gate := program(t)
	t.Run("reads the configuration", func(t *testing.T) { readsConfiguration(t, gate) })
	t.Run("knows the arguments", func(t *testing.T) { knowsArguments(t, gate) })
}

// What the chart renders is read by the program's own strict loader.
func readsConfiguration(t *testing.T, gate string) {
	t.Helper()
	eachValues(t, func(t *testing.T, values string) {
		data, ok := find(render(t, "--values", values), "ConfigMap", "data").(object)
		if !ok || data["config.yaml"] == nil {
			t.Fatal("no configuration rendered")
		}
		dir := t.TempDir()
		for name, content := range data {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content.(string)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		// An image that no ECR registry has is judged without asking anybody.
		cmd := exec.CommandContext(t.Context(), gate, "check", "--config", filepath.Join(dir, "config.yaml"), "registry.invalid/image:1")
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 3 {
			t.Errorf("want exit code 3, could not check; got %v\n%s\n%s", err, out, data["config.yaml"])
		}
	})
}

func knowsArguments(t *testing.T, gate string) {
	t.Helper()
	eachValues(t, func(t *testing.T, values string) {
		objects := render(t, "--values", values)
		for _, path := range [][]string{{"Deployment", "spec", "template", "spec", "containers", "0", "args"}, {"Pod", "spec", "containers", "0", "args"}} {
			args, _ := find(objects, path[0], path[1:]...).([]any)
			if args == nil && path[0] == "Deployment" {
				t.Fatal("no Deployment rendered")
			}
			command := []string{}
			for _, arg := range args {
				command = append(command, arg.(string))
			}
			// Flags are read before help is given.
			run(t, gate, append(command, "--help")...)
		}
	})
}
