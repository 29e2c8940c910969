# Build the binary, test it where `--target test` asks for it, and ship the binary alone.

FROM rust:1.95-slim-bookworm AS source
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential ca-certificates pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /work
COPY Cargo.toml Cargo.lock rustfmt.toml ./
COPY src src
# An example spec is part of the binary.
COPY infra/examples infra/examples

FROM source AS test
COPY README.md* ./
COPY events events
COPY tests tests
RUN cargo test --locked --lib --test door

FROM source AS build
RUN cargo build --release --locked --bin dify-reconciler

# The C library, certificates, and a user that is not root; no shell.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /work/target/release/dify-reconciler /dify-reconciler
USER nonroot
EXPOSE 8080
ENTRYPOINT ["/dify-reconciler"]
CMD ["serve"]
