package pack

import "reflect"

// Dropped returns the paths of the values that were given earlier, are not given again, and are not what the values are merged
// to without them: as --set takes them, in their order; nil where nothing is lost. given are those given now, and merged all of them.
func Dropped(earlier, given, merged map[string]any) []string {
	var paths []string
	eachLeaf(earlier, nil, func(path []string, value any) {
		if _, length, again := valueAt(given, path); again || length > 0 {
			return
		}
		// What a null has deleted is not there.
		if now, _, _ := valueAt(merged, path); !reflect.DeepEqual(now, value) {
			paths = append(paths, SetPath(path))
		}
	})
	return paths
}
