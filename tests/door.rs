//! The door from outside: what arrives, who may come in, what is answered.

mod door {
    mod contract;
    mod issuer;
    mod requests;
    mod service;
    mod tokens;
}
