package main

import "slices"

// table is all mutants. Whoever changes a line that one of them is about gives it another; what each does to a user must still
// be noticed by a test.
func table() []mutant {
	return slices.Concat(lockMutants(), recordMutants(), planMutants(), runMutants(), ownershipMutants(), clusterMutants(), hookMutants(), packMutants())
}

// pure are the tests of a package that need no cluster, all of them.
func pure(name string) suite { return suite{"./pkg/" + name, "."} }

func storage(run string) suite { return suite{"./pkg/storage", run} }

func kube(run string) suite { return suite{"./pkg/kube", run} }

// below are tests of a package below kube, which need no cluster.
func below(name, run string) suite { return suite{"./pkg/kube/" + name, run} }

// script is an end-to-end script.
func script(name string) suite { return suite{"./test/e2e", "^TestScripts$/^" + name + "$"} }
