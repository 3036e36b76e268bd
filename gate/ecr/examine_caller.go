package ecr

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/ecr-gate/ecr-gate/gate"
	"github.com/ecr-gate/ecr-gate/gate/doctor"
)

// identify finds out who asks, and whether AWS can be asked at all.
func (e *Examination) identify(ctx context.Context, sheet *doctor.Sheet, images []gate.Image) Access {
	source, access := e.credentials(ctx, sheet)
	if access == Usable {
		access = e.callerIdentity(ctx, sheet, source, images)
	}
	e.region(sheet, images)
	return access
}

// whereToGetCredentials is the mend of there being none.
const whereToGetCredentials = "in EKS give the pod a role: Helm value serviceAccount.annotations.\"eks\\.amazonaws\\.com/role-arn\" (then restart its pods),\n" +
	"or aws eks create-pod-identity-association --cluster-name CLUSTER --namespace ecr-gate --service-account ecr-gate --role-arn ROLE;\n" +
	"on a machine of yours: aws sso login --profile PROFILE, then AWS_PROFILE=PROFILE ecr-gate doctor"

// credentials has the SDK find them. That the last place it looks, the machine's own
// metadata, does not answer means that there are none.
func (e *Examination) credentials(ctx context.Context, sheet *doctor.Sheet) (source string, access Access) {
	if e.Config.Credentials == nil {
		sheet.Fault("credentials", noCredentials.Text, whereToGetCredentials)
		return "", NoCredentials
	}
	ctx, cancel := e.source.call(ctx)
	defer cancel()
	// By way of a cache, as clients do: its errors are those that are known here.
	found, err := aws.NewCredentialsCache(e.Config.Credentials).Retrieve(ctx)
	if err == nil {
		return found.Source, Usable
	}
	service, _ := InnermostOperation(err)
	t := trouble(err)
	switch {
	case service == "ec2imds":
		sheet.Fault("credentials", noCredentials.Text, whereToGetCredentials)
		return "", NoCredentials
	case t.Text == noCredentials.Text: // a session that is over, a profile that leads nowhere
		sheet.Fault("credentials", noCredentials.Text+underneath(err), whereToGetCredentials)
		return "", NoCredentials
	case t.Cause == gate.NoAccess:
		sheet.Fault("credentials", "the role of this pod or process may not be taken on: "+doctor.ReadRefusal(message(err)).Words,
			"its trust policy must name this cluster's OIDC provider and system:serviceaccount:NAMESPACE:SERVICEACCOUNT (IRSA), or pods.eks.amazonaws.com (Pod Identity)")
		return "", BadCredentials
	default:
		sheet.Unknown("credentials", credentialsLost.Text+underneath(err), credentialsLost.Mend)
		return "", BadCredentials
	}
}

// rejected are the codes by which AWS says that it does not accept credentials, with
// what is wrong and its mend.
var rejected = map[string]struct{ found, mend string }{
	"ExpiredToken":                        expired,
	"ExpiredTokenException":               expired,
	"RequestExpired":                      clock,
	"SignatureDoesNotMatch":               signature,
	"InvalidSignatureException":           signature,
	"InvalidClientTokenId":                unknownKey,
	"UnrecognizedClientException":         unknownKey,
	"MissingAuthenticationToken":          unknownKey,
	"MissingAuthenticationTokenException": unknownKey,
	"OptInRequired": {"the account is not signed up for this Region",
		"turn the Region on in the account, or name another"},
}

var (
	expired    = struct{ found, mend string }{"the credentials have expired", "get new ones: aws sso login, or take the stale AWS_SESSION_TOKEN out of the environment"}
	clock      = struct{ found, mend string }{"AWS takes the request for an old one", "set this machine's clock"}
	signature  = struct{ found, mend string }{"AWS does not accept the signature", "check AWS_SECRET_ACCESS_KEY, and this machine's clock"}
	unknownKey = struct{ found, mend string }{"AWS does not know the access key", "check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN, and that the key is of this partition and not deactivated"}
)

func (e *Examination) callerIdentity(ctx context.Context, sheet *doctor.Sheet, source string, images []gate.Image) Access {
	const check = "credentials"
	region := e.anyRegion(images)
	if region == "" {
		sheet.Unknown(check, "who we are was not asked: no Region is set", "set AWS_REGION")
		return Usable
	}
	ctx, cancel := e.source.call(ctx)
	defer cancel()
	config := e.Config.Copy()
	config.Region = region
	out, err := sts.NewFromConfig(config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err == nil {
		e.caller = doctor.Caller{ARN: aws.ToString(out.Arn), Account: aws.ToString(out.Account)}
		sheet.OK(check, e.caller.ARN+" in account "+e.caller.Account+", found by "+source)
		return Usable
	}
	if r, ok := rejected[code(err)]; ok {
		sheet.Fault(check, r.found+" ("+code(err)+"), found by "+source, r.mend)
		return BadCredentials
	}
	found, mend := unanswered("sts:GetCallerIdentity", region, trouble(err))
	sheet.Unknown(check, "who we are could not be asked: "+found, mend)
	return Usable
}

// anyRegion is one to ask STS in: it knows the caller in all of them.
func (e *Examination) anyRegion(images []gate.Image) string {
	regions := []string{e.Config.Region}
	for _, img := range images {
		if h, ok := parseHost(img.Registry); ok {
			regions = append(regions, h.region)
		}
	}
	for _, r := range e.Registries {
		regions = append(regions, r.Regions...)
	}
	return cmp.Or(regions...)
}

func (e *Examination) region(sheet *doctor.Sheet, images []gate.Image) {
	example := cmp.Or(e.anyRegion(images), "eu-west-1")
	mend := "set AWS_REGION=" + example + ", or aws.region in the configuration, or the Helm value aws.region"
	switch {
	case e.Config.Region != "":
		sheet.OK("Region", e.Config.Region)
	case e.Polls:
		sheet.Fault("Region", "none is set, and jobs are polled in one", mend)
	default:
		sheet.Warning("Region", "none is set; images are asked for in their own, but roles and pipelines need one", mend)
	}
}

// roles takes on each role of the configured registries, as the gate would.
func (e *Examination) roles(ctx context.Context, sheet *doctor.Sheet, images []gate.Image) {
	var seen []string
	for _, r := range e.Registries {
		if r.AssumeRoleARN == "" || slices.Contains(seen, r.AssumeRoleARN) {
			continue
		}
		seen = append(seen, r.AssumeRoleARN)
		e.role(ctx, sheet, r, cmp.Or(e.regionsOf(r)[0], e.anyRegion(images)))
	}
}

func (e *Examination) role(ctx context.Context, sheet *doctor.Sheet, r Registry, region string) {
	check := "role " + r.AssumeRoleARN
	ctx, cancel := e.source.call(ctx)
	defer cancel()
	_, err := e.source.clientFor(clientKey{r.Account, region, r.AssumeRoleARN}).Options().Credentials.Retrieve(ctx)
	if err != nil {
		e.locked[r.AssumeRoleARN] = true
		e.roleRefused(sheet, check, r.AssumeRoleARN, err)
		return
	}
	if account := accountOf(r.AssumeRoleARN); account != r.Account {
		sheet.Warning(check, "it can be taken on, but is of account "+account+" and not "+r.Account+", and enhanced scans are shown to the registry's own account only",
			"name a role of account "+r.Account+":\n"+e.crossAccount(clientKey{account: r.Account, region: region}))
		return
	}
	sheet.OK(check, "it can be taken on")
}

func (e *Examination) roleRefused(sheet *doctor.Sheet, check, role string, err error) {
	t := trouble(err)
	if t.Cause != gate.NoAccess {
		sheet.Unknown(check, t.Text+underneath(err), t.Mend)
		return
	}
	refusal := doctor.ReadRefusal(message(err))
	own := "and allow it to " + e.caller.Principal() + ":\n" + doctor.Allow(role, "sts:AssumeRole")
	trust := "in account " + accountOf(role) + " put into the trust policy of " + role + ":\n" + doctor.Trust(e.caller.Principal())
	if refusal.Explicit {
		own = "and " + refusal.Mend(e.caller.Principal(), doctor.Allow(role, "sts:AssumeRole"))
	}
	sheet.Fault(check, refusal.Found(), trust+"\n"+own)
}

// underneath is an error's own words, where ours do not say enough.
func underneath(err error) string {
	words := err.Error()
	if i := strings.LastIndex(words, ": "); i >= 0 && len(words) > 200 {
		words = words[i+2:]
	}
	return " (" + words + ")"
}
