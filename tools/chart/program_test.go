package chart

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
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

// What the notes call too short a grace period is what the program may need to stop.
func TestGracePeriodFollowsTheProgram(t *testing.T) {
	stop, drain := seconds(t, "/gate/pipeline/worker.go", "DefaultStopWithin"), seconds(t, "/webhook/server.go", "drainTime")
	const preStop, reviews = 5, 30 // deployment.yaml's, and webhook.timeoutSeconds below
	for name, least := range map[string]int{
		"config.webhook=null,config.pipeline.maxWait=20m":      stop,
		"config.pipeline.maxWait=20m":                          preStop + stop,
		fmt.Sprintf("webhook.timeoutSeconds=%d", reviews):      preStop + drain + reviews,
		"webhook.timeoutSeconds=1,config.pipeline.maxWait=20m": preStop + max(stop, drain+1),
	} {
		for given, warns := range map[int]bool{least - 1: true, least: false} {
			notes := helm(t, "install", "ecr-gate", chart, "--dry-run=client", "--set", "image.repository=r/ecr-gate",
				"--set", name, "--set", fmt.Sprintf("terminationGracePeriodSeconds=%d", given))
			if strings.Contains(notes, "WARNING: terminationGracePeriodSeconds") != warns {
				t.Errorf("%s: the program needs %d s; that %d are too few is said: %t", name, least, given, !warns)
			}
		}
	}
}

// seconds is a constant of the program's source.
func seconds(t *testing.T, file, name string) int {
	t.Helper()
	source, err := os.ReadFile(root + file)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(name + `\s+= (\d+) \* time.Second`).FindStringSubmatch(string(source))
	if found == nil {
		t.Fatalf("%s has no %s in seconds", file, name)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
