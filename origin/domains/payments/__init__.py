"""Payments: plans, means of payment, one subscription per account, and what it entitles to.

    GET    /v1/plans                       what can be had                      200
    GET    /v1/subscription                what one has                         200
    POST   /v1/subscription                begin one                            201
    PATCH  /v1/subscription                another plan, or go on after all     200
    DELETE /v1/subscription                end it with its period               200
    GET    /v1/subscription/preview        what another plan would cost         200
    GET    /v1/subscription/payment        what the payer has to confirm        200
    POST   /v1/subscription/payment        they did, or gave it up              200
    GET    /v1/payments/page               what takes cards in the browser      200
    POST   /v1/payment-methods/setup       begin to add one, in the browser     201
    GET    /v1/payment-methods             what will be charged                 200
    POST   /v1/payment-methods             charge this one from now on          201
    DELETE /v1/payment-methods/{id}        never again                          204
    GET    /v1/invoices                    what was charged                     200
    POST   /v1/refunds                     give some back (scope operate)       201
    POST   /v1/payments/webhook            Stripe says that something changed   200

Stripe is what is true; the rows are what the rest of the service reads. Nothing of a card comes
here: the browser gives it to Stripe and us an id (`cards` refuses a number in any member).

`operations` writes down what is about to be asked of Stripe before it is asked, under an id that
Stripe sees too, so that a crash in between neither charges twice nor forgets. `syncing` is the only
way from Stripe to the rows: it reads the subscription anew, whatever a webhook says, and a read
that was overtaken is read again. `rules` decides states, entitlements and who is told; `gateway`
alone knows Stripe's library; `reconcile` finds what was missed while nobody listened.
"""
