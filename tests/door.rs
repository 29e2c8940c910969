//! The door from outside: what arrives, who may come in, what is answered.

mod door {
    mod contract;
    mod issuer;
    mod malformed;
    mod requests;
    mod service;
    mod tokens;
}
