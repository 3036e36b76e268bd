// The mutation check, in a module of its own, for it needs nothing but Go:
//
//	go run -C tools/mutate . -root ../.. ./gate
module github.com/ecr-gate/ecr-gate/tools/mutate

go 1.26.0

toolchain go1.26.11
