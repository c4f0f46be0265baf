"""Sign-in with OpenID Connect: the authorisation code with PKCE, and which roles a provider's word gives.

`claims`, `binding` and `next_page` are pure; `link` asks the provider; `provider` is one provider's whole conversation.
Nothing here begins a session: the page that people come back to does.
"""
