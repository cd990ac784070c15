package kube

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
)

// WhoAmI returns the name of the user as whom the server answers requests, which is the one that --as names where it is given. The
// server may know no answer: one before 1.28, or one that does not let its users ask.
func (c *Cluster) WhoAmI(ctx context.Context) (string, error) {
	review := &authenticationv1.SelfSubjectReview{}
	review.SetGroupVersionKind(authenticationv1.SchemeGroupVersion.WithKind("SelfSubjectReview"))
	err := c.api.rest.Post().AbsPath("/apis/authentication.k8s.io/v1/selfsubjectreviews").Body(review).MaxRetries(0).Do(quiet(ctx)).Into(review)
	if err != nil {
		return "", fmt.Errorf("asking who the user is: %w", err)
	}
	return review.Status.UserInfo.Username, nil
}
