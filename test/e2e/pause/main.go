// Command pause does nothing until it is told to stop. It is the sandbox of every
// pod on the bed, and the program in the images whose admission is tested.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGINT)
	// As process 1 of a shared process namespace it would have to reap: the bed
	// has no such pods.
	<-told
}
