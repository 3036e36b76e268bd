# One machine:     make docker-build
# Both platforms:  docker buildx build --platform=linux/amd64,linux/arm64 \
#                    --build-arg VERSION=v1.2.3 --tag REGISTRY/ecr-gate:v1.2.3 --push .
#
# The builder is pinned by tag so that Go's patch releases arrive by rebuilding. For builds
# that repeat to the byte, pin the digest: golang:1.26@sha256:...

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src

# Modules change less often than code: a layer of their own.
COPY go.mod go.sum ./
RUN go mod download

COPY . .
# Cross-compiled on the build machine's own processor: no emulation.
ARG TARGETOS TARGETARCH VERSION=dev
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags="-s -w -X main.version=$VERSION" -o /out/ecr-gate ./cmd/ecr-gate

# The certificates below are a file of Debian's. Said as Debian says it, so that a scanner that
# knows only packages of an operating system, as ECR's basic scan, has something to judge.
RUN mkdir -p /out/etc /out/var/lib/dpkg && cp /etc/os-release /out/etc/os-release && \
    dpkg --status ca-certificates > /out/var/lib/dpkg/status

# No shell, no package manager, no library: the program, and what it needs to trust AWS.
FROM scratch
ARG VERSION=dev
LABEL org.opencontainers.image.title="ecr-gate" \
      org.opencontainers.image.description="Stops container images whose Amazon ECR scan is not clean" \
      org.opencontainers.image.source="https://github.com/ecr-gate/ecr-gate" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
# AWS and the Kubernetes API are asked over TLS.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/etc/os-release /etc/os-release
COPY --from=build /out/var/lib/dpkg/status /var/lib/dpkg/status
COPY --from=build /src/LICENSE /LICENSE
COPY --from=build /out/ecr-gate /ecr-gate
# By number, so that runAsNonRoot can be checked without a user database.
USER 65532:65532
ENTRYPOINT ["/ecr-gate"]
