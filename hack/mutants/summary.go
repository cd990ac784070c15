package main

import (
	"errors"
	"fmt"
)

func (v verdict) word() string {
	switch {
	case v.err != nil:
		return "BROKEN"
	case v.killer != "":
		return "killed"
	case v.skipped:
		return "not tried"
	}
	return "SURVIVED"
}

// summary prints how many mutants fared how, and all that were not killed with what they mean. The error is errSurvivors
// where one survives without a reason, and says where the table is wrong and how many mutants were not tried.
func summary(verdicts []verdict) error {
	counts := map[string]int{}
	var problems []error
	for _, v := range verdicts {
		counts[v.word()]++
		if v.err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", v.name, v.err))
		}
	}
	fmt.Printf("\n%d mutants: %d killed, %d survived, %d not tried, %d broken\n",
		len(verdicts), counts["killed"], counts["SURVIVED"], counts["not tried"], counts["BROKEN"])
	survived := false
	for _, v := range verdicts {
		if v.word() != "SURVIVED" && v.word() != "not tried" {
			continue
		}
		fmt.Printf("%s: %s\n  %s: %s\n", v.word(), v.name, v.file, v.means)
		if v.lives != "" {
			fmt.Printf("  it may live: %s\n", v.lives)
		}
		survived = survived || v.word() == "SURVIVED" && v.lives == ""
	}
	if survived {
		problems = append(problems, errSurvivors)
	}
	if untried := counts["not tried"]; untried > 0 {
		problems = append(problems, fmt.Errorf("%d mutants need a cluster: set SHERPACK_KUBECONFIG, or use make mutants", untried))
	}
	return errors.Join(problems...)
}
